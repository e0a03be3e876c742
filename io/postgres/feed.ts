/** Reads a change feed in the order of commits: a reader's cursor is a snapshot, so that no change is missed and none is waited for. */
import { RehearsalError } from "../../core/errors.ts";
import type { ChangeKind, FeedChange, FeedCursor } from "../../core/feed.ts";
import { CHANGE_TRIGGER, TRUNCATE_TRIGGER } from "../../core/feed-migration.ts";
import { quoteQualified } from "../../core/names.ts";
import { addressOf } from "../../core/shape.ts";
import {
  assertUsable,
  durable,
  type Here,
  homeOf,
  inSnapshot,
  look,
  oldestUnseen,
  split,
  tableOf,
} from "./feed-place.ts";
import { rowsInOrder } from "./rows-in-order.ts";
import type { Session } from "./session.ts";

export interface Delta {
  /** In the order of their positions: what was done to one row is told in the order in which it was done. */
  changes: FeedChange[];
  /** What to read from next; keep it in the same act as what was made of the changes. */
  cursor: FeedCursor;
  /** True when the cursor stands at a snapshot again: what was read up to here is everything of a consistent cut, and nothing behind it. */
  complete: boolean;
}

/**
 * The cursor at this very moment: whatever the transaction's snapshot shows lies before it, whatever it does not show will be read.
 * For an export: in a transaction that is `isolation level repeatable read, read only`. `feed` is the feed's table, as `public.changes`.
 * Throws `FeedMissing` and `FeedOnStandby`.
 */
export function currentCursor(session: Session, feed: string): Promise<FeedCursor> {
  return inSnapshot(session, async () => {
    const here = await look(session, feed);
    // Rows that nobody here has written, though they are there: a restore brought them, with another server's transactions.
    const [restored] = await session.query<{ above: string }>(
      `select coalesce(max(position), 0)::text as above from ${here.table}
        where xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot) and position > 0`,
      [here.snapshot],
    );
    return durable(session, here, cursorAt(here, restored?.above ?? "0"));
  });
}

/**
 * What came behind the cursor, at most `limit` changes (1 to 10,000) of one delta. A delta begins with a cursor that has no `to`, and
 * shows what the snapshot of that moment does: inside one repeatable read, read only transaction all its pages are of that snapshot,
 * and rows that are read beside them are as the last of the changes left them. Throws `FeedMissing`, `FeedOnStandby`,
 * `FeedCursorForeign` and `FeedCursorExpired`.
 */
export function readChanges(
  session: Session,
  feed: string,
  cursor: FeedCursor,
  limit: number,
): Promise<Delta> {
  return inSnapshot(session, async () => {
    const here = await look(session, feed);
    assertUsable(cursor, here, feed);
    const { snapshot, to, ...stays } = cursor;
    const shown = to ?? here.snapshot;
    const rows =
      to === undefined
        ? await firstPage(session, here, cursor, limit)
        : await nextPage(session, here, cursor, to, limit);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const complete = rows.length <= limit || last === undefined;
    const { position: _, ...rest } = stays;
    const next: FeedCursor = complete
      ? { ...rest, lsn: to === undefined ? here.lsn : rest.lsn, snapshot: shown }
      : {
          ...rest,
          lsn: to === undefined ? here.lsn : rest.lsn,
          snapshot,
          to: shown,
          position: last.position,
        };
    return {
      changes: page.map(changeOf),
      cursor: to === undefined ? await durable(session, here, next) : next,
      complete,
    };
  });
}

export interface FeedLag {
  /** Committed changes behind the cursor. */
  changes: number;
  /** When the first of them was written; null when there is none. */
  since: Date | null;
  /** Transactions of this database that are prepared and may yet commit changes. Others end with their sessions. */
  prepared: number;
}

/** How far a reader is behind. Throws as `readChanges` does. */
export function lagOf(session: Session, feed: string, cursor: FeedCursor): Promise<FeedLag> {
  return inSnapshot(session, async () => {
    const here = await look(session, feed);
    assertUsable(cursor, here, feed);
    const { snapshot, above, to, position } = cursor;
    const [row] = await session.query<{ changes: number; since: Date | null; prepared: number }>(
      `${UNSEEN(here.table)}, behind as (select position from unseen
          where not ($5::pg_snapshot is not null and pg_visible_in_snapshot(xid, $5) and position <= $6::bigint))
        select (select count(*) from behind)::float8 as changes,
          (select c.at from ${here.table} c where c.position = (select min(position) from behind)) as since,
          (select count(*) from pg_prepared_xacts where database = current_database())::int as prepared`,
      [...bounds(snapshot), here.snapshot, above, to ?? null, position ?? "0"],
    );
    if (row === undefined) throw new Error("a count gave no row");
    return row;
  });
}

/**
 * Deletes changes that the reader of this cursor, which has to be the slowest, needs no more; or those that are older than so many days,
 * whoever has not read them. What was forgotten is remembered: a cursor that would miss some of it is refused from then on. In slices of
 * 10,000, each its own transaction; returns how many went. What transactions wrote that are as old as an open one waits for that one's end.
 */
export async function forgetChanges(
  session: Session,
  feed: string,
  before: FeedCursor | { days: number },
): Promise<number> {
  const here = await inSnapshot(session, async () => {
    const here = await look(session, feed);
    if ("format" in before) assertUsable(before, here, feed);
    return here;
  });
  const below =
    "format" in before ? oldestUnseen(before.snapshot) : await oldestSince(session, here, before.days);
  // First: who dies behind it has forgotten less than is remembered, and no reader goes on without what is gone.
  await session.query(
    `insert into ${here.table} as f (position, xid, table_name, key, change) overriding system value
        values (0, $1::xid8, '', $2::jsonb, 'forgotten')
      on conflict (position) do update set key = excluded.key, at = clock_timestamp(),
        xid = case when f.key = excluded.key then greatest(f.xid, excluded.xid) else excluded.xid end`,
    [below, JSON.stringify(homeOf(here))],
  );
  // What a restore brought is of no transaction of this server: those numbers are still to come.
  const ahead = "pg_snapshot_xmax(pg_current_snapshot())";
  return (
    (await deleteSlices(session, here.table, "'0'::xid8", `'${below}'::xid8`)) +
    (await deleteSlices(session, here.table, ahead, "'18446744073709551615'::xid8"))
  );
}

/** Each slice goes on where the one before ended: what that has deleted may stand in the index for long. */
async function deleteSlices(session: Session, table: string, first: string, below: string): Promise<number> {
  let from = first;
  for (let deleted = 0; ; ) {
    const [slice] = await session.query<{ rows: number; last: string | null }>(
      `with gone as (delete from ${table} where position in (select position from ${table}
            where position > 0 and xid >= ${from} and xid < ${below} order by xid limit ${SLICE}) returning xid)
        select count(*)::int as rows, max(xid)::text as last from gone`,
    );
    deleted += slice?.rows ?? 0;
    if (slice === undefined || slice.last === null || slice.rows < SLICE) return deleted;
    from = `'${slice.last}'::xid8`;
  }
}

const SLICE = 10_000;

/**
 * Throws `FeedIncomplete` unless the feed is told of every change of these tables, by their key as it is now, by triggers that are
 * there and always fire, also on their partitions; `FeedMissing` where there is no such feed.
 */
export async function assertFollowed(
  session: Session,
  feed: string,
  tables: readonly { schema: string; table: string }[],
): Promise<void> {
  await tableOf(session, feed);
  const found = await session.query<{ schema: string; table: string; part: string; missing: string }>(
    `select t.schema, t.table, p.relid::regclass::text as part, w.name as missing
      from jsonb_to_recordset($1::jsonb) as t (schema text, "table" text)
      left join pg_class c on c.relname = t.table and c.relnamespace = to_regnamespace(quote_ident(t.schema))
      cross join lateral (select relid from pg_partition_tree(c.oid) union select c.oid) p
      cross join (values ('${CHANGE_TRIGGER}', 29), ('${TRUNCATE_TRIGGER}', 32)) w (name, type)
      where not exists (select from pg_trigger g join pg_proc f on f.oid = g.tgfoid
        where g.tgrelid = p.relid and g.tgname = w.name and g.tgtype = w.type and g.tgenabled = 'A'
          and position('insert into ' || $2 || ' (' in f.prosrc) > 0 and (${KEYED}))
      order by 1, 2, 3, 4`,
    [JSON.stringify(tables), quoteQualified(...split(feed))],
  );
  if (found.length === 0) return;
  throw new RehearsalError("FeedIncomplete", {
    feed,
    tables: [...new Set(found.map(({ schema, table }) => nameOf(schema, table)))],
    missing: found.map(({ part, missing }) => `${missing} on ${part}`).slice(0, 10),
  });
}

/** SQL: the function names the table's key as it is now, and no more columns. */
const KEYED = `select count(*) = (length(f.prosrc) - length(replace(f.prosrc, 'concat(new.', ''))) / length('concat(new.')
      and bool_and(position('concat(new."' || replace(a.attname, '"', '""') || '")' in f.prosrc) > 0)
    from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
    where k.conrelid = p.relid and k.contype = 'p'`;

/** The feeds of the database, quoted and qualified: tables that such triggers write to. */
export async function listFeeds(session: Session): Promise<string[]> {
  const found = await session.query<{ schema: string; name: string }>(
    `select distinct n.nspname::text as schema, c.relname::text as name
      from pg_trigger g join pg_proc f on f.oid = g.tgfoid
        join pg_class c on c.relkind = 'r' join pg_namespace n on n.oid = c.relnamespace
      where g.tgname = '${CHANGE_TRIGGER}' and position(
        'insert into "' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '" (' in f.prosrc) > 0
      order by 1, 2`,
  );
  return found.map(({ schema, name }) => quoteQualified(schema, name));
}

const cursorAt = ({ server, timeline, database, feed, lsn, snapshot }: Here, above: string): FeedCursor => ({
  ...{ format: "rehearsal-cursor/1", server, timeline, database, feed, lsn, above, snapshot },
});

interface ChangeRow {
  position: string;
  table: string;
  key: Record<string, string> | null;
  change: ChangeKind;
  at: Date;
}

const COLUMNS = `c.position::text as position, c.table_name as table, c.key, c.change, c.at`;

/**
 * SQL: positions and transactions of what the cursor has not seen. That is what its snapshot lists as under way, and what began
 * behind it: two ranges of the index, however long a transaction has been open. $1 what was under way, $2 the first behind, $3 the
 * snapshot of now, $4 the rows that a restore brought.
 */
const UNSEEN = (table: string) => `with unseen as materialized (
    select position, xid from ${table} where xid >= $2::xid8 and xid < pg_snapshot_xmax($3::pg_snapshot) and position > $4::bigint
    union all select position, xid from ${table} where xid = any ($1::xid8[]) and position > $4::bigint)`;

/** Those under way, and the first behind. */
function bounds(snapshot: string): [underWay: string[], first: string] {
  const [, first = "", list = ""] = snapshot.split(":");
  return [list === "" ? [] : list.split(","), first];
}

/** The whole delta is gone through for its first positions; the pages behind them go on from there. One more than the limit tells that there are some. */
function firstPage(
  session: Session,
  { table, snapshot: now }: Here,
  { snapshot, above }: FeedCursor,
  limit: number,
): Promise<ChangeRow[]> {
  return session.query<ChangeRow>(
    `${UNSEEN(table)} select ${COLUMNS} from (select position from unseen order by position limit $5) p
      join ${table} c using (position) order by c.position`,
    [...bounds(snapshot), now, above, limit + 1],
  );
}

function nextPage(
  session: Session,
  { table }: Here,
  { snapshot, position = "0" }: FeedCursor,
  to: string,
  limit: number,
): Promise<ChangeRow[]> {
  const where =
    "not pg_visible_in_snapshot(c.xid, $3::pg_snapshot) and pg_visible_in_snapshot(c.xid, $4::pg_snapshot)";
  return rowsInOrder<ChangeRow>(
    session,
    { table, position: "c.position", columns: COLUMNS, where },
    position,
    limit + 1,
    [snapshot, to],
  );
}

function changeOf({ table, ...row }: ChangeRow): FeedChange {
  const [schema, name] = split(table);
  return { ...row, schema, table: name };
}

/** The oldest transaction that wrote something within so many days, or may yet. */
async function oldestSince(session: Session, { table }: Here, days: number): Promise<string> {
  const [row] = await session.query<{ below: string }>(
    `select least(pg_snapshot_xmin(pg_current_snapshot()), min(xid))::text as below from ${table}
      where position > 0 and at >= now() - make_interval(secs => $1::float8 * 86400)
        and pg_visible_in_snapshot(xid, pg_current_snapshot())`,
    [days],
  );
  if (row === undefined) throw new Error("a minimum gave no row");
  return row.below;
}

const nameOf = (schema: string, table: string): string =>
  addressOf({ word: "", name: [schema, table], suffix: null, on: null }).trimStart();
