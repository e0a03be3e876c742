/** Places for requests that wait: so many over the whole service, whatever number of functions it runs. */
import type { Session } from "../postgres/session.ts";

/** Requests that may wait at once. */
export const WAITING_PLACES = 32;

/** The first key of the advisory locks that are the places; a session that dies gives its place back. */
const PLACES = 0x7761_6974;

/** Does the work in a place of its own; "full" when there is none. */
export async function holdWaitingPlace<T>(session: Session, work: () => Promise<T>): Promise<T | "full"> {
  // The rows of a function come one by one, so no second lock is tried for once one is had.
  const [taken] = await session.query<{ place: number }>(
    "select place from generate_series(0, $2::int - 1) as place where pg_try_advisory_lock($1::int, place) limit 1",
    [PLACES, WAITING_PLACES],
  );
  if (taken === undefined) return "full";
  try {
    return await work();
  } finally {
    await session.query("select pg_advisory_unlock($1::int, $2::int)", [PLACES, taken.place]);
  }
}
