/** The guard of forms: what changes something must come from a page of this console, and of this session. */
import { timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { RehearsalError } from "../../core/errors.ts";
import type { ApiEnv } from "../api/request.ts";
import { formSecret, type PageContext } from "./request.ts";

const READS = new Set(["GET", "HEAD"]);

/**
 * Refuses with `FormForeign` what another site sends. Browsers tell where a request comes from by Sec-Fetch-Site, the
 * older ones by Origin; a request that tells neither comes from no browser and has the API.
 */
export const refuseForeign = createMiddleware<ApiEnv>(async (c, next) => {
  if (!READS.has(c.req.method)) {
    const site = c.req.header("sec-fetch-site");
    const reason =
      site === undefined ? foreignOrigin(c) : site === "same-origin" ? undefined : `it came ${site}`;
    if (reason !== undefined) throw new RehearsalError("FormForeign", { reason });
  }
  await next();
});

/** Refuses with `FormForeign` a form that does not carry the session's secret. */
export const requireFormSecret = createMiddleware<ApiEnv>(async (c, next) => {
  if (!READS.has(c.req.method)) {
    const { csrf } = await formValues(c);
    if (csrf === undefined || !same(csrf, formSecret(c)))
      throw new RehearsalError("FormForeign", { reason: "it does not carry this session's secret" });
  }
  await next();
});

/** A form's values by name; of a name that comes twice the last. Throws `InputInvalid` for any other kind of body. */
export async function formValues(c: PageContext): Promise<Record<string, string>> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\b/i.test(type))
    throw new RehearsalError("InputInvalid", {
      what: "the form",
      problems: "its body must be sent as application/x-www-form-urlencoded",
    });
  return Object.fromEntries(new URLSearchParams(await c.req.text()));
}

/** By host alone: whoever ends TLS in front of us changes the scheme. */
function foreignOrigin(c: PageContext): string | undefined {
  const origin = c.req.header("origin");
  if (origin === undefined) return "it tells neither Sec-Fetch-Site nor Origin";
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  return URL.canParse(origin) && new URL(origin).host === host ? undefined : `it came from ${origin}`;
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
