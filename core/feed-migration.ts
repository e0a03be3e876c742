/** The SQL of a change feed: its table, and for each table that it follows a function and two triggers. */
import { nearest } from "./did-you-mean.ts";
import { sha256 } from "./digest.ts";
import { RehearsalError } from "./errors.ts";
import { NAME_BYTES, quoteLiteral, quoteName, quoteQualified } from "./names.ts";
import type { SchemaLock } from "./schema-lock.ts";
import { addressOf } from "./shape.ts";
import { namesOf, parseKey } from "./shape-names.ts";

/** Triggers of one event fire by the bytes of their names: these come before what an application calls its own, which may go on to change the same row. */
export const CHANGE_TRIGGER = "_record_change";
export const TRUNCATE_TRIGGER = "_record_truncate";

/** What a session says that brings a copy to the state of its original, changes and all: the feed's triggers stay silent. */
export const RESTORING = "rehearsal.restoring";

/**
 * SQL: fires always, also where ordinary triggers are silent (logical replication, loaders), but for a restore of Rehearsal's own,
 * which brings the feed's rows along. Who may make ordinary triggers silent may do that as well, and nobody else.
 */
const LOUD = `pg_catalog.current_setting('session_replication_role') <> 'replica'
    or pg_catalog.current_setting('${RESTORING}', true) is distinct from 'on'`;

export interface FeedMigration {
  /** Of the feed, qualified. */
  feed: string;
  /** The tables that it follows, qualified. */
  tables: string[];
  /** True when the lock knows the feed already: it is only told of more tables. */
  known: boolean;
  sql: string;
}

/**
 * What makes the feed follow these tables, named as people do ("users", "app.users"); it can run again over itself. Throws
 * `FeedTableUnfit` for a table that the lock does not know or that cannot be followed, and `FeedNameTaken`.
 */
export function feedMigration(lock: SchemaLock, name: string, tables: readonly string[]): FeedMigration {
  const feed = qualified(name);
  const known = Object.hasOwn(lock.tables, nameOf(feed));
  if (known && !isFeed(lock, nameOf(feed))) throw new RehearsalError("FeedNameTaken", { name: nameOf(feed) });
  const followed = new Map(
    tables.map((table) => followedTable(lock, feed, table)).map((one) => [one.name, one]),
  );
  const parts = [...followed.values()].map((table) => followSql(lock, feed, table));
  const names = [...followed.keys()];
  const title = `-- The change feed ${nameOf(feed)} is told of every change of ${names.join(", ")}.\n`;
  return {
    ...{ feed: nameOf(feed), tables: names, known },
    sql: [title, ...(known ? [] : [feedSql(feed)]), ...parts].join("\n"),
  };
}

type Name = readonly [schema: string, name: string];

interface Followed {
  /** As the lock has it. */
  name: string;
  at: Name;
  key: string[];
}

/** The columns by which a feed is told from any other table of its name. */
const COLUMNS = ["position", "xid", "table_name", "key", "change", "at"];

function isFeed(lock: SchemaLock, name: string): boolean {
  const columns = lock.tables[name]?.columns ?? {};
  return COLUMNS.every((column) => Object.hasOwn(columns, column));
}

function qualified(name: string): Name {
  const [first = "", second] = namesOf(name);
  return second === undefined ? ["public", first] : [first, second];
}

/** As the lock has it. */
const nameOf = (name: Name): string => addressOf({ word: "", name, suffix: null, on: null }).trimStart();

function followedTable(lock: SchemaLock, feed: Name, table: string): Followed {
  const refuse = (reason: string) => new RehearsalError("FeedTableUnfit", { table, reason });
  // What a shell leaves of `"Chat"` is Chat.
  const names = Object.keys(lock.tables);
  const name = [nameOf(qualified(table)), nameOf(["public", table])].find((one) => names.includes(one));
  const found = name === undefined ? undefined : lock.tables[name];
  if (name === undefined || found === undefined) {
    const guess = nearest(nameOf(qualified(table)), names);
    throw refuse(
      `schema.lock.json has no such table${guess === undefined ? "" : `; did you mean ${guess}?`}`,
    );
  }
  if (name === nameOf(feed)) throw refuse("it is the feed itself");
  const root = found.more?.partitionOf;
  if (typeof root === "string")
    throw refuse(`it is a partition: follow ${root}, and its partitions are followed`);
  const key = Object.values(found.constraints)
    .map(parseKey)
    .find((one) => one?.primary === true);
  if (key === undefined) throw refuse("it has no primary key, by which a change could name its row");
  return { name, at: qualified(name), key: key.columns };
}

function feedSql(feed: Name): string {
  const table = quoteQualified(...feed);
  return `create table if not exists ${table} (
  position bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  table_name text not null,
  key jsonb,
  change text not null check (change in ('insert', 'update', 'delete', 'truncate', 'forgotten')),
  at timestamptz not null default clock_timestamp()
);

comment on table ${table} is
  'What changed, told by triggers. Positions are not in the order of commits: Rehearsal reads by snapshots.';

create index if not exists ${quoteName(cut(`${feed[1]}_xid`))} on ${table} (xid, position);
`;
}

/**
 * A function for each table, for its key is named in plain SQL: one for all would make every row into JSON to find its key. Values are
 * the texts that the server sends, under the settings of our sessions; whoever writes has others.
 */
function followSql(lock: SchemaLock, feed: Name, { name, at, key }: Followed): string {
  const recorder = quoteQualified(at[0], cut(`record_${feed[1].replace(/s$/, "")}_of_${at[1]}`));
  const [table, literal] = [quoteQualified(...feed), quoteLiteral(name).trimStart()];
  const keyOf = (row: string) =>
    `jsonb_build_object(${key.map((column) => `${quoteLiteral(column).trimStart()}, concat(${row}.${quoteName(column)})`).join(", ")})`;
  const triggers = [
    `create or replace trigger ${CHANGE_TRIGGER} after insert or update or delete on ${quoteQualified(...at)}
  for each row when (${LOUD})
  execute function ${recorder}();
`,
    ...[name, ...partitionsOf(lock, name)].map(
      (
        one,
      ) => `create or replace trigger ${TRUNCATE_TRIGGER} after truncate on ${quoteQualified(...qualified(one))}
  for each statement when (${LOUD})
  execute function ${recorder}();
`,
    ),
    `alter table ${quoteQualified(...at)} enable always trigger ${CHANGE_TRIGGER};
`,
    ...[name, ...partitionsOf(lock, name)].map(
      (one) => `alter table ${quoteQualified(...qualified(one))} enable always trigger ${TRUNCATE_TRIGGER};
`,
    ),
  ];
  return `create or replace function ${recorder}() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD'
  set intervalstyle = postgres set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = hex as $$
declare
  before constant jsonb := case when tg_op in ('UPDATE', 'DELETE') then ${keyOf("old")} end;
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then ${keyOf("new")} end;
begin
  if tg_op = 'UPDATE' and before <> after then
    insert into ${table} (table_name, key, change)
    values (${literal}, before, 'delete'), (${literal}, after, 'insert');
  else
    insert into ${table} (table_name, key, change)
    values (${literal}, coalesce(after, before), lower(tg_op));
  end if;
  return null;
end
$$;

${triggers.join("")}`;
}

/** TRUNCATE of one partition fires only that one's own triggers. Those of rows are made on new partitions by the server. */
function partitionsOf(lock: SchemaLock, name: string): string[] {
  return Object.entries(lock.tables).flatMap(([table, { more }]) =>
    more?.partitionOf === name ? [table, ...partitionsOf(lock, table)] : [],
  );
}

/** A name that Postgres does not cut, and so makes two of one. */
function cut(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  let kept = name;
  while (Buffer.byteLength(kept) > NAME_BYTES - 9) kept = [...kept].slice(0, -1).join("");
  return `${kept}_${sha256(name).slice(0, 8)}`;
}
