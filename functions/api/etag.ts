/** ETags name the ledger's state behind an answer: a reader asks what is new since, a writer insists that nothing is. */
import { z } from "@hono/zod-openapi";
import { RehearsalError } from "../../core/errors.ts";
import { environmentState, promotionState } from "../../io/ledger/state.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { ApiContext } from "./request.ts";

/** Entity tags, parted by commas, or a star. */
const tags = z.string().max(2_000).optional();

/** The header of a read that has an ETag. */
export const seenHeader = z.object({
  "if-none-match": tags.openapi({ description: "An ETag from before; 304 when nothing has changed since" }),
});

/** The header of a change to what has an ETag. */
export const matchHeader = z.object({
  "if-match": tags.openapi({ description: "The ETag of what was read; 412 when it has changed since" }),
});

/** What an answer with an ETag adds to its declaration. */
export const tagged = {
  headers: {
    etag: { description: "Names this state", schema: { type: "string" as const } },
  },
};

export const unchanged = { 304: { description: "It is as it was when that ETag was given" } };

const STATES = { promotion: promotionState, environment: environmentState };

/** The ETag of what stands now; throws `NotFound`. */
export async function etagOf(ledger: Session, what: keyof typeof STATES, name: string): Promise<string> {
  const state = await STATES[what](ledger, name);
  if (state === undefined) throw new RehearsalError("NotFound", { what, name });
  return `"${state}"`;
}

/**
 * Puts the ETag on the answer, and tells whether the caller has that state already. The ETag must have been read before
 * the answer's content: what changes in between is then told again, and never missed.
 */
export function isSeen(c: ApiContext, etag: string): boolean {
  c.header("etag", etag);
  c.header("cache-control", "private, no-cache");
  return names(c.req.header("if-none-match"), etag);
}

/** Whoever holds the row asks this before a change; throws `PreconditionFailed`. */
type AssertSeen = () => Promise<void>;

/** What is to be asked once the row is held, when the request carries If-Match. */
export function ifMatch(c: ApiContext, ledger: Session, what: keyof typeof STATES, name: string): AssertSeen {
  const wanted = c.req.header("if-match");
  return async () => {
    if (wanted === undefined) return;
    const etag = await etagOf(ledger, what, name);
    if (!names(wanted, etag)) throw new RehearsalError("PreconditionFailed", { what, name, etag });
  };
}

/** True when a header's list has the tag; a proxy that packs answers makes tags weak, and they mean the same here. */
function names(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}
