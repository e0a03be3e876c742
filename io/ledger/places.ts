/** Places for requests that last: so many over the whole service, whatever number of functions it runs. */
import type { Session } from "../postgres/session.ts";

/** A place's advisory lock; a session that dies gives its place back. */
const PLACE = "pg_catalog.hashtextextended($1::text || ' ' || place, 0)";

/** Does the work in a place of its own among `places` for the same; undefined when there is none. */
export async function holdPlace<T>(
  session: Session,
  { what, places }: { what: string; places: number },
  work: () => Promise<T>,
): Promise<{ value: T } | undefined> {
  // The rows of a function come one by one, so no second lock is tried for once one is had.
  const [taken] = await session.query<{ place: number }>(
    `select place from generate_series(1, $2::int) as place where pg_try_advisory_lock(${PLACE}) limit 1`,
    [what, places],
  );
  if (taken === undefined) return undefined;
  try {
    return { value: await work() };
  } finally {
    await session.query(`select pg_advisory_unlock(${PLACE}) from (select $2::int as place) as held`, [
      what,
      taken.place,
    ]);
  }
}
