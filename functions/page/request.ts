/** What a request to the console carries in its cookies: a session, from which its forms' secret is made, and a theme. */
import { createHmac } from "node:crypto";
import { type Context, Hono } from "hono";
import { generateCookie, getCookie } from "hono/cookie";
import type { Theme } from "../../web/console/layout.ts";
import type { ApiContext, ApiEnv } from "../api/request.ts";

export type PageContext = ApiContext;

/** Where the console stands; its cookies are sent nowhere else, so the API never sees one. */
export const PREFIX = "/console";

export function pages(): Hono<ApiEnv> {
  return new Hono<ApiEnv>();
}

/** True where the browser speaks https, whoever ends it. */
function isSecure(c: Context): boolean {
  const told = c.req.header("x-forwarded-proto")?.split(",")[0]?.trim();
  return (told ?? new URL(c.req.url).protocol.replace(":", "")) === "https";
}

const SESSION = "rehearsal_session";
const THEME = "rehearsal_theme";

/** The session's token as the browser shows it. */
export function sessionCookie(c: Context): string | undefined {
  return isSecure(c) ? getCookie(c, SESSION, "secure") : getCookie(c, SESSION);
}

/** Hands the browser a session, or takes it away when there is none. */
export function setSessionCookie(c: Context, session?: { token: string; expiresAt: Date }): void {
  const cookie = generateCookie(SESSION, session?.token ?? "", {
    ...(isSecure(c) && { prefix: "secure" as const }),
    path: PREFIX,
    httpOnly: true,
    sameSite: "Strict",
    ...(session === undefined ? { maxAge: 0 } : { expires: session.expiresAt }),
  });
  c.header("set-cookie", cookie, { append: true });
}

export function themeOf(c: Context): Theme {
  const theme = getCookie(c, THEME);
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** Kept for a year; it tells nothing of anybody. */
export function setThemeCookie(c: Context, theme: Theme): void {
  const cookie = generateCookie(THEME, theme, {
    path: PREFIX,
    httpOnly: true,
    secure: isSecure(c),
    sameSite: "Lax",
    maxAge: theme === "system" ? 0 : 31_536_000,
  });
  c.header("set-cookie", cookie, { append: true });
}

/** What every form of a session carries: only who has the session can make it, and it does not tell the session. Empty where there is none. */
export function formSecret(c: PageContext): string {
  const session = sessionCookie(c);
  return session === undefined
    ? ""
    : createHmac("sha256", session).update("rehearsal console form/1").digest("base64url");
}

/** A path of the console to come back to; anything that would lead elsewhere becomes the overview. */
export function safeNext(next: string | undefined): string {
  const base = "http://console.invalid";
  if (next === undefined || next.length > 500 || !URL.canParse(next, base)) return PREFIX;
  const url = new URL(next, base);
  const to = url.pathname + url.search;
  // Looked at as it will be understood: dots are resolved, backslashes are slashes by now.
  return url.origin === base && /^\/console(?:[/?]|$)/.test(to) ? to : PREFIX;
}

/** Where one is: the page itself, or the page that a form was on. */
export function placeOf(c: PageContext): string {
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  const from = reads ? c.req.url : c.req.header("referer");
  if (from === undefined || !URL.canParse(from)) return PREFIX;
  const { pathname, search } = new URL(from);
  return safeNext(pathname + search);
}
