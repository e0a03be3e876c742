/** A request's look into an environment's database: a few at once, for each is a connection that its own users then lack. */
import { RehearsalError } from "../core/errors.ts";
import { holdPlace } from "../io/ledger/places.ts";
import type { Session } from "../io/postgres/session.ts";
import { refuseCutOver } from "./fenced.ts";

/** Requests that may look into one environment's database at once. */
export const LOOKING_PLACES = 4;

/** Seconds after which a place may be free again: most looks take less. */
const COME_BACK = 2;

/** Does the work, which opens a session on the environment's database; throws `TooManyRequests` where too many do, and `StoreCutOver`. */
export async function lookAt<T>(ledger: Session, environment: string, work: () => Promise<T>): Promise<T> {
  await refuseCutOver(ledger, environment);
  const looked = await holdPlace(ledger, { what: `look into ${environment}`, places: LOOKING_PLACES }, work);
  if (looked !== undefined) return looked.value;
  throw new RehearsalError("TooManyRequests", {
    what: `requests that look into "${environment}"`,
    seconds: COME_BACK,
  });
}
