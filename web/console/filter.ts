/** A list narrowed to one environment, by a form that only reads. */
import { html } from "hono/html";
import { type Choice, choiceField, type Html } from "./form.ts";

export function filterForm(of: {
  action: string;
  environments: readonly Choice[];
  /** Empty for all. */
  environment: string;
  /** More fields in front of the button. */
  more?: Html | "";
}): Html {
  const { action, environments, environment, more = "" } = of;
  const choices = [{ value: "", label: "all" }, ...environments];
  return html`<form class="row filter" method="get" action="${action}">
${choiceField({ name: "environment", label: "Environment", choices, chosen: environment })}${more}
<button class="button" type="submit">Show</button></form>`;
}
