/** A list narrowed to one environment, by a form that only reads, and page by page. */
import { html } from "hono/html";
import { choiceField, type Html } from "./form.ts";
import { pager } from "./table.ts";

/** Which part of a list is shown. */
export interface Narrowed {
  environments: readonly string[];
  /** The one whose entries are shown; empty for all. */
  environment: string;
  /** What the next page begins behind. */
  next?: string | number | undefined;
  /** True when it is not the first page. */
  further: boolean;
}

export function filterForm(action: string, { environments, environment }: Narrowed): Html {
  const choices = [
    { value: "", label: "all" },
    ...environments.map((name) => ({ value: name, label: name })),
  ];
  return html`<form class="row filter" method="get" action="${action}">
${choiceField({ name: "environment", label: "Environment", choices, chosen: environment })}
<button class="button" type="submit">Show</button></form>`;
}

/** The pages of such a list; its environment stays chosen. */
export function narrowedPager(
  path: string,
  what: string,
  { environment, next, further }: Narrowed,
): Html | "" {
  const at = (query: Record<string, string>) => {
    const asked = new URLSearchParams({ ...(environment !== "" && { environment }), ...query }).toString();
    return asked === "" ? path : `${path}?${asked}`;
  };
  return pager({
    older: next === undefined ? undefined : at({ before: String(next) }),
    newest: further ? at({}) : undefined,
    what,
  });
}
