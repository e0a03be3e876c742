/** The hash of a row: by the server's own hashing of its columns where that tells every two values apart, by their text elsewhere. */
import { quoteName } from "../../core/names.ts";

export interface HashedColumn {
  name: string;
  /** Of the column's own type, as pg_type has it: `int4`, `_text`, `mood`; qualified unless it is in pg_catalog. */
  type: string;
}

/** What to select of pg_attribute `a`, as JSON: a `HashedColumn`. A type with a length says so, for blanks behind a `character` without one are lost to its hash. */
export const HASHED_COLUMN = `json_build_object('name', a.attname::text, 'type', (
    select case when y.typnamespace = 'pg_catalog'::regnamespace then '' else y.typnamespace::regnamespace || '.' end
      || y.typname || case when a.atttypmod >= 0 and y.typname = 'bpchar' then '(n)' else '' end
    from pg_type y where y.oid = a.atttypid))`;

/** Values that read differently are different to their hashes. Not so jsonb, whose numbers count by their value: 1.0 is 1.00. */
const BY_VALUE = new Set("bool char int2 int4 oid uuid bytea date macaddr macaddr8 inet cidr".split(" "));
const TEXTS = new Set(["text", "varchar", "name", "bpchar(n)"]);

/**
 * Their hashes take values for one that read differently (0 and -0, 1.0 and 1.00, 24 hours and a day; and all that rest on
 * hashint8extended, which folds 64 bits into 32, take 1 for 4294967296); the bytes they travel as do not.
 */
const BY_BYTES: Record<string, string> = {
  int8: "int8send",
  numeric: "numeric_send",
  time: "time_send",
  timestamp: "timestamp_send",
  timestamptz: "timestamptz_send",
  timetz: "timetz_send",
  interval: "interval_send",
  pg_lsn: "pg_lsn_send",
};

/** By bytes as well, but what is not a number is one value however many bit patterns it has: it comes back from a backup in another. */
const FLOATS: Record<string, string> = { float4: "float4send", float8: "float8send" };

/**
 * An expression of type bigint over the row `t`. The outer hash matters: a record's hash is linear in those of its columns, so that
 * without it two rows could exchange a value and the sum over all rows would not change.
 */
export function rowHash(columns: readonly HashedColumn[]): string {
  const inner = `hash_record_extended(row(${columns.map(columnHash).join(", ")}), 0)`;
  return `hash_record_extended(row(int8send(${inner})), 0)`;
}

function columnHash({ name, type }: HashedColumn): string {
  const column = `t.${quoteName(name)}`;
  if (BY_VALUE.has(type)) return column;
  // Bytes, whatever the column's own collation calls equal.
  if (TEXTS.has(type)) return `${column} collate "C"`;
  if (Object.hasOwn(FLOATS, type))
    return `case when ${column} = 'NaN' then '\\x00' else ${FLOATS[type]}(${column}) end`;
  if (Object.hasOwn(BY_BYTES, type)) return `${BY_BYTES[type]}(${column})`;
  // A cast to text may say other things than a value's output: it drops blanks behind a character, shows the declaration of xml that
  // the output leaves out, and a type of the database's own may have any.
  return type === "bpchar" || type === "xml" || type.includes(".")
    ? `row(${column})::text collate "C"`
    : `(${column})::text collate "C"`;
}
