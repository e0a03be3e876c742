/** One line of the log for each request: what was asked for and what it was answered, by nothing that somebody wrote into it. */
import type { Next } from "hono";
import { routePath } from "hono/route";
import { about } from "../../io/telemetry/about.ts";
import { log } from "../../io/telemetry/log.ts";
import type { ApiContext } from "./request.ts";

/** Tells of the request when it is answered. */
export async function requestLine(c: ApiContext, next: Next): Promise<void> {
  const began = performance.now();
  await next();
  const { status } = c.res;
  log[status >= 500 ? "error" : "info"]("request", {
    method: c.req.method,
    status,
    milliseconds: Math.round(performance.now() - began),
  });
}

/** Notes which route it was, as the document names it: a path has ids in it, and a query whatever somebody put there. */
export async function noteRoute(c: ApiContext, next: Next): Promise<void> {
  await next();
  about({ route: templateOf(c, -1) });
}

/** The route as the OpenAPI document names it, never the path with what somebody put in it; `-1` is the last that matches. */
export function templateOf(c: ApiContext, index?: -1): string {
  return routePath(c, index).replaceAll(/:([A-Za-z]+)(\{[^}]*\})?/g, "{$1}");
}
