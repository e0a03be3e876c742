/** Counters in the ledger, so that every sandbox of a function sees what the others have counted. */
import type { Session } from "../postgres/session.ts";

export interface Counter {
  bucket: string;
  count: number;
  /** Until it begins anew. */
  secondsLeft: number;
}

const ROW = `bucket, count::float8 as count, extract(epoch from ends_at - clock_timestamp())::float8 as "secondsLeft"`;

/** Adds to each bucket; one whose time is over begins anew. */
export async function count(
  session: Session,
  buckets: readonly string[],
  { by, seconds }: { by: number; seconds: number },
): Promise<Counter[]> {
  // In one order, so that two who count the same buckets never wait for each other.
  return session.query<Counter>(
    `insert into ledger.limits as l (bucket, count, ends_at)
      select b, $2::bigint, clock_timestamp() + make_interval(secs => $3) from unnest($1::text[]) b order by b
      on conflict (bucket) do update set
        count = case when l.ends_at <= clock_timestamp() then excluded.count else l.count + excluded.count end,
        ends_at = case when l.ends_at <= clock_timestamp() then excluded.ends_at else l.ends_at end
      returning ${ROW}`,
    [[...new Set(buckets)].sort(), by, seconds],
  );
}

/** What the buckets hold now; those whose time is over, and those nobody counted in, are left out. */
export async function countersOf(session: Session, buckets: readonly string[]): Promise<Counter[]> {
  return session.query<Counter>(
    `select ${ROW} from ledger.limits where bucket = any($1::text[]) and ends_at > clock_timestamp()`,
    [buckets],
  );
}

/** Removes what has no meaning any more; returns how much. */
export async function removeEndedCounters(session: Session): Promise<number> {
  const removed = await session.query("delete from ledger.limits where ends_at < now() returning bucket");
  return removed.length;
}
