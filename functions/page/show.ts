/** Every answer of the console that is a page: the shell around a view, for whoever is signed in. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Actor, EVERYWHERE, may } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Refusal } from "../../web/console/alert.ts";
import type { Html } from "../../web/console/form.ts";
import { layout, type Place } from "../../web/console/layout.ts";
import { noteRefusal } from "../api/request.ts";
import { tellUnauthorized } from "../identity/refused.ts";
import { assets } from "./assets.ts";
import { formSecret, type PageContext, PREFIX, placeOf, themeOf } from "./request.ts";

interface Shown {
  title: string;
  /** Everything in <main>, its <h1> included. */
  main: Html;
  status?: number | undefined;
  /** Seconds after which it is loaded again where no script runs. */
  refresh?: number | undefined;
}

/** Answers with a page. */
export async function show(c: PageContext, { title, main, status = 200, refresh }: Shown): Promise<Response> {
  // Nobody is signed in on the way to the sign-in, whatever the type says of those behind it.
  const actor: Actor | undefined = c.var.actor;
  const document = layout({
    ...{ title, main, refresh, assets, theme: themeOf(c) },
    path: placeOf(c),
    csrf: actor === undefined ? "" : formSecret(c),
    person: actor?.person,
    places: actor === undefined ? [] : placesOf(actor),
  });
  return c.html(await document, status as ContentfulStatusCode);
}

/** What a form's page is told when it is shown again. */
export interface Refused {
  refusal: Refusal;
  status: number;
}

/** Does what a form asks and leads to the path that `work` returns, or shows the form's page again. */
export function act(
  c: PageContext,
  work: () => Promise<string>,
  again: (refused: Refused) => Promise<Response>,
): Promise<Response> {
  return attempt(c, async () => c.redirect(await work(), 303), again);
}

/**
 * Answers with what `work` answers. A refusal of the catalogue shows the form's page again, with what was refused and how to
 * mend it; what was not foreseen is thrown on.
 */
export async function attempt(
  c: PageContext,
  work: () => Promise<Response>,
  again: (refused: Refused) => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof RehearsalError) || thrown.status >= 500) throw thrown;
    noteRefusal(c, thrown);
    tellUnauthorized(thrown, c.req);
    tellWhen(c, thrown);
    return again({ refusal: thrown, status: thrown.status });
  }
}

/** Says in the answer's head when a refusal for its number is over. */
export function tellWhen(c: PageContext, { status, facts }: RehearsalError): void {
  const { seconds } = facts as { seconds?: unknown };
  if (status === 429) c.header("retry-after", String(seconds));
}

function placesOf(actor: Actor): Place[] {
  const at = (path: string, label: string) => ({ href: PREFIX + path, label });
  return [
    at("", "Overview"),
    at("/promotions", "Promotions"),
    at("/backups", "Backups"),
    at("/prunes", "Prunes"),
    at("/inventory", "Inventory"),
    at("/log", "Log"),
    ...(may(actor, "administer", EVERYWHERE) ? [at("/people", "People")] : []),
  ];
}
