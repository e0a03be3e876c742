/** Where a feed is read, and when: the server, the database, the snapshot, and whether a cursor is of this place. */
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../core/errors.ts";
import { type FeedCursor, feedCursorSchema } from "../../core/feed.ts";
import { quoteQualified } from "../../core/names.ts";
import { namesOf } from "../../core/shape-names.ts";
import { openSession, type Session } from "./session.ts";

/** A place and a moment. */
export interface Here {
  table: string;
  server: string;
  timeline: number;
  database: string;
  feed: string;
  snapshot: string;
  lsn: string;
  /** Of the newest change that was forgotten here, one more; null when none was. */
  forgotten: string | null;
}

/** One snapshot for all that the work asks; the caller's, where it has one. */
export async function inSnapshot<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return session.inTransaction()
    ? work()
    : session.transaction(work, "begin isolation level repeatable read, read only");
}

/** The server, the database and the moment, and what was forgotten there. */
export async function look(session: Session, feed: string): Promise<Here> {
  const { table, oid } = await tableOf(session, feed);
  const [row] = await session.query<Omit<Here, "table" | "feed" | "forgotten"> & { fit: boolean }>(
    `select system_identifier::text as server, d.oid::text as database, pg_current_snapshot()::text as snapshot,
        ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int as timeline,
        ${WRITTEN} as lsn, pg_current_xact_id_if_assigned() is null
          and current_setting('transaction_isolation') in ('repeatable read', 'serializable') as fit
      from pg_control_system(), pg_database d where d.datname = current_database()`,
  );
  // A transaction that writes is in no snapshot of its own, and later snapshots of a weaker one are others.
  if (row?.fit !== true)
    throw new Error("a feed is read in a transaction of one snapshot that writes nothing");
  const { fit: _, ...now } = row;
  const here = { ...now, table, feed: oid };
  const [mark] = await session.query<{ xid: string }>(
    `select xid::text from ${table} where position = 0 and change = 'forgotten' and key = $1::jsonb`,
    [JSON.stringify(homeOf(here))],
  );
  return { ...here, forgotten: mark?.xid ?? null };
}

/**
 * SQL: the end of what is in the log. At the beginning of a page the server tells the place behind the page's head, which is written
 * together with the next record: waiting for it would be waiting for somebody to write.
 */
const WRITTEN = `(select (lsn - case when (lsn - '0/0'::pg_lsn) % pg_size_bytes(current_setting('wal_segment_size')) = 40 then 40
    when (lsn - '0/0'::pg_lsn) % current_setting('wal_block_size')::int = 24 then 24 else 0 end)::text
  from (select pg_current_wal_insert_lsn() as lsn) w)`;

/** The feed's table; throws `FeedMissing` and `FeedOnStandby`. */
export async function tableOf(session: Session, feed: string): Promise<{ table: string; oid: string }> {
  const table = quoteQualified(...split(feed));
  const [row] = await session.query<{ oid: string | null; standby: boolean }>(
    "select to_regclass($1)::oid::text as oid, pg_is_in_recovery() as standby",
    [table],
  );
  // What a standby calls its snapshot leaves out transactions that are under way.
  if (row?.standby === true) throw new RehearsalError("FeedOnStandby", { feed });
  if (row === undefined || row.oid === null) throw new RehearsalError("FeedMissing", { feed });
  return { table, oid: row.oid };
}

/** Throws unless the cursor was made here, and nothing that it has not seen was forgotten. */
export function assertUsable(cursor: FeedCursor, here: Here, feed: string): void {
  const refuse = (reason: string) => new RehearsalError("FeedCursorForeign", { feed, reason });
  if (!feedCursorSchema.safeParse(cursor).success) throw refuse("it is no cursor of a feed");
  if (cursor.server !== here.server) throw refuse("it was made on another server");
  if (cursor.timeline !== here.timeline)
    throw refuse("the server was restored or took over since, and may have lost what the cursor has seen");
  if (cursor.database !== here.database) throw refuse("it was made in another database");
  if (cursor.feed !== here.feed) throw refuse("the feed was made anew since");
  if (locationOf(cursor.lsn) > locationOf(here.lsn))
    throw refuse("it is ahead of the server, which goes on from an older copy of its files");
  if (here.forgotten !== null && BigInt(oldestUnseen(cursor.snapshot)) < BigInt(here.forgotten))
    throw new RehearsalError("FeedCursorExpired", { feed });
}

/** For whom a mark of what was forgotten holds. */
export const homeOf = ({ server, timeline, database }: Pick<Here, "server" | "timeline" | "database">) => ({
  server,
  timeline,
  database,
});

/**
 * The cursor, once all that its snapshot shows is on disk: a crash can lose what was committed asynchronously, and gives the
 * transactions' numbers to others, whose changes would pass for read.
 */
export async function durable(session: Session, { lsn }: Here, cursor: FeedCursor): Promise<FeedCursor> {
  for (let looks = 1; ; looks++) {
    const [row] = await session.query<{ flushed: boolean }>(
      "select pg_current_wal_flush_lsn() >= $1::pg_lsn as flushed",
      [lsn],
    );
    if (row?.flushed === true) return cursor;
    // Others usually commit soon. Who has written and stays open does not, and what it wrote is in nobody's way.
    if (looks === LOOKS) await flushLog(session);
    await pause(10);
  }
}

const LOOKS = 3;

/** A commit puts all that is in the log before it on disk. In a session of its own, for the reader's transaction writes nothing. */
async function flushLog({ address }: Session): Promise<void> {
  const session = await openSession(address, { application: "rehearsal feed flush" });
  try {
    await session.execute(
      "set synchronous_commit = local; select pg_logical_emit_message(true, 'rehearsal', 'flush')",
    );
  } finally {
    await session.close();
  }
}

/** A snapshot's xmin: everything before it is over. */
export function oldestUnseen(snapshot: string): string {
  return snapshot.slice(0, snapshot.indexOf(":"));
}

/** A qualified name in its parts; one without a schema is of public. */
export function split(name: string): [schema: string, table: string] {
  const [first = "", second] = namesOf(name);
  return second === undefined ? ["public", first] : [first, second];
}

/** `16/B374D848` as a number that grows. */
function locationOf(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
