/** Who is at the console: the person behind the session's cookie, or the way to the sign-in and back. */

import { createMiddleware } from "hono/factory";
import { html } from "hono/html";
import { RehearsalError } from "../../core/errors.ts";
import { type ApiEnv, answerAs } from "../api/request.ts";
import { countRequest } from "../identity/limits.ts";
import { actorOfSession } from "../identity/sessions.ts";
import { type PageContext, PREFIX, placeOf, sessionCookie, setSessionCookie } from "./request.ts";

/**
 * Lets in whoever has a session; all others are led to the sign-in, and from there back to where they were. A page that
 * answers without having asked what the actor may is a defect, and does not leave.
 */
export const withSession = createMiddleware<ApiEnv>(async (c, next) => {
  const token = sessionCookie(c);
  if (token === undefined && comesFromOutside(c)) return againFromHere(c);
  const actor = token === undefined ? undefined : await holderOf(c, token);
  if (token === undefined || actor === undefined) return toSignIn(c, token !== undefined);
  await countRequest(c.var.ledger, actor.person);
  await answerAs(c, actor, next);
});

/** The actor of the session; undefined when it is over. */
async function holderOf(c: PageContext, token: string) {
  try {
    return await actorOfSession(await c.var.ledger(), token);
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "Unauthorized") return undefined;
    throw error;
  }
}

/** A link on another site does not bring the cookie with it; a step that begins here does. */
function comesFromOutside(c: PageContext): boolean {
  return c.req.method === "GET" && c.req.header("sec-fetch-site") === "cross-site";
}

function againFromHere(c: PageContext) {
  const { pathname, search } = new URL(c.req.url);
  const here = pathname + search;
  return c.html(html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Rehearsal</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0"></head>
<body><main><h1>One moment</h1><p><a href="${here}">Go on to the console</a></p></main></body></html>
`);
}

function toSignIn(c: PageContext, over: boolean): Response {
  if (over) setSessionCookie(c);
  // Part of a page that is asked for by its script: a page to sign in at would be put in its place.
  if (c.req.header("sec-fetch-dest") === "empty")
    throw new RehearsalError("Unauthorized", {
      reason: over ? "the session is over" : "nobody is signed in",
    });
  const query = new URLSearchParams({ next: placeOf(c) });
  if (over) query.set("over", c.req.method === "POST" ? "form" : "page");
  return c.redirect(`${PREFIX}/sign-in?${query}`, 303);
}
