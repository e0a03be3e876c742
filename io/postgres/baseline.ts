/** Reads a database's baseline: the server counts and hashes its own rows, so that only sums travel. */
import type { Baseline, TableBaseline } from "../../core/baseline.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteQualified } from "../../core/names.ts";
import type { OnProgress } from "../../core/progress.ts";
import { reading } from "./reading.ts";
import { HASHED_COLUMN, type HashedColumn, rowHash } from "./row-hash.ts";
import { SCATTERING } from "./scattered.ts";
import type { Session } from "./session.ts";

export interface BaselineOptions {
  /** By quoted qualified name, the columns to hash; tables that are not named are hashed whole. */
  columns?: Record<string, string[]>;
  /** The quoted qualified names to read; without it every table. */
  tables?: string[];
  /** After each statement: a table, or a handful of small ones; bytes are the tables' sizes on disk. */
  onProgress?: OnProgress;
}

/**
 * Counts and hashes what the database holds, under one snapshot (the transaction's own, when one stands).
 * Foreign tables, what extensions brought and the schema `rehearsal` are left out.
 * Throws `BaselineUnreadable` when the user may not read all rows of a table or a large object.
 */
export async function readBaseline(session: Session, options: BaselineOptions = {}): Promise<Baseline> {
  return reading(session, async () => {
    const wanted = await findTables(session, options);
    return {
      format: "rehearsal-baseline/2",
      tables: await readTables(session, wanted, options.onProgress),
      sequences: await readSequences(session),
      largeObjects: await readLargeObjects(session),
    };
  });
}

interface FoundTable {
  schema: string;
  name: string;
  bytes: string;
  columns: HashedColumn[];
  /** Schema and name. */
  partOf: [string, string] | null;
}

/** A table that a baseline speaks of. */
export interface HashedTable {
  /** Quoted and qualified. */
  name: string;
  /** On disk, without what is stored out of line. */
  bytes: number;
  /** Sorted by name. */
  columns: HashedColumn[];
  /** Quoted and qualified: the table whose partitions can only be compared together. */
  partOf: string | undefined;
}

/** The tables that a baseline with these options covers, in the order of their names. */
export async function findTables(session: Session, options: BaselineOptions = {}): Promise<HashedTable[]> {
  const found = await session.query<FoundTable>(TABLES);
  return found.map((table) => prepare(table, options)).filter((table) => table !== undefined);
}

/** Selects `rows` and `checksum` of a table, or of those of its rows `t` that meet the condition. */
export function selectSums({ name, columns }: HashedTable, condition?: string): string {
  return `select count(*) as rows, coalesce(sum(${rowHash(columns)}), 0)::text as checksum from only ${name} t${
    condition === undefined ? "" : ` where ${condition}`
  }`;
}

/** What an extension brought is the extension's own; a schema `rehearsal` is ours. */
export const OUR_USERS = `n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'rehearsal')
  and not exists (select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

/** Tables and partitions that hold rows. A materialized view holds nothing of its own: a restore fills it anew, where production's may be stale. */
const TABLES = `with recursive ${SCATTERING}
  select n.nspname::text as schema, c.relname::text as name, pg_relation_size(c.oid) as bytes,
    to_json(array(select ${HASHED_COLUMN} from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as columns,
    case when c.relispartition then (select json_build_array(rn.nspname, r.relname)
      from pg_partition_ancestors(c.oid) with ordinality as a (oid, height) join scattering s on s.oid = a.oid
        join pg_class r on r.oid = a.oid join pg_namespace rn on rn.oid = r.relnamespace
      order by a.height desc limit 1) end as "partOf"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and ${OUR_USERS}
  order by n.nspname, c.relname`;

function prepare(found: FoundTable, { columns, tables }: BaselineOptions): HashedTable | undefined {
  const name = quoteQualified(found.schema, found.name);
  if (tables !== undefined && !tables.includes(name)) return undefined;
  const chosen = columns !== undefined && Object.hasOwn(columns, name) ? columns[name] : undefined;
  const hashed =
    chosen === undefined ? found.columns : found.columns.filter((column) => chosen.includes(column.name));
  // By name, not by place: a restored copy may have the columns of an inheriting table in another order.
  return {
    name,
    bytes: Number(found.bytes),
    columns: hashed.sort((one, other) => (one.name < other.name ? -1 : 1)),
    partOf: found.partOf === null ? undefined : quoteQualified(...found.partOf),
  };
}

async function readTables(session: Session, wanted: HashedTable[], onProgress?: OnProgress) {
  const tables: Record<string, TableBaseline> = {};
  const total = { bytes: wanted.reduce((sum, table) => sum + table.bytes, 0), rows: 0 };
  const done = { bytes: 0, rows: 0 };
  for (const handful of handfuls(wanted)) {
    const sums = await readHandful(session, handful);
    for (const [place, table] of handful.entries()) {
      const sum = sums[place];
      if (sum === undefined) throw new Error(`${table.name} was not counted`);
      const rows = Number(sum.rows);
      tables[table.name] = tableBaseline(table, rows, sum.checksum);
      done.bytes += table.bytes;
      done.rows += rows;
    }
    onProgress?.({ done: { ...done }, total, now: handful.at(-1)?.name ?? "" });
  }
  return tables;
}

/** What a baseline says of a table with so many rows and that sum. */
export function tableBaseline(table: HashedTable, rows: number, checksum: string): TableBaseline {
  const partOf = table.partOf === undefined ? {} : { partOf: table.partOf };
  return { rows, columns: table.columns.map((column) => column.name), checksum, ...partOf };
}

/** Small tables share a statement, for most databases have many of them and each round trip costs more than the reading. */
function* handfuls(tables: HashedTable[]): Generator<HashedTable[]> {
  let handful: HashedTable[] = [];
  let [bytes, columns] = [0, 0];
  for (const table of tables) {
    if (handful.length > 0 && (bytes + table.bytes > 4_194_304 || columns + table.columns.length > 500)) {
      yield handful;
      handful = [];
      [bytes, columns] = [0, 0];
    }
    handful.push(table);
    bytes += table.bytes;
    columns += table.columns.length + 1;
  }
  if (handful.length > 0) yield handful;
}

async function readHandful(session: Session, handful: HashedTable[]) {
  const selects = handful.map(
    (table, place) => `select ${place} as place, sums.* from (${selectSums(table)}) sums`,
  );
  const names = handful.map((table) => table.name).join(", ");
  return readable(session, names, () =>
    session.query<{ rows: string; checksum: string }>(`${selects.join("\nunion all\n")}\norder by place`),
  );
}

const SEQUENCES = `select n.nspname::text as schema, c.relname::text as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'S' and ${OUR_USERS} order by n.nspname, c.relname`;

async function readSequences(session: Session): Promise<Baseline["sequences"]> {
  const found = await session.query<{ schema: string; name: string }>(SEQUENCES);
  const names = found.map(({ schema, name }) => quoteQualified(schema, name));
  const sequences: Baseline["sequences"] = {};
  for (let from = 0; from < names.length; from += 200) {
    const some = names.slice(from, from + 200);
    const selects = some.map(
      (name) =>
        `select ${quoteLiteral(name)} as name, last_value::text as last, is_called as called from ${name}`,
    );
    const states = await readable(session, some.join(", "), () =>
      session.query<{ name: string; last: string; called: boolean }>(selects.join("\nunion all\n")),
    );
    for (const { name, last, called } of states) sequences[name] = { last, called };
  }
  return sequences;
}

/**
 * Each large object as pieces of 256 KiB, each piece as its object, its offset and its sha256. Reading by pieces
 * fills holes with zeros, so that an object written sparsely equals its restored copy. 262144 is INV_READ;
 * the length is asked before the object is closed, for OFFSET 0 keeps the planner from merging the steps.
 */
const LARGE_OBJECTS = `with object as materialized (
    select opened.oid, opened.length from (
      select o.oid, o.fd, lo_lseek64(o.fd, 0, 2) as length
      from (select oid, lo_open(oid, 262144) as fd from pg_largeobject_metadata offset 0) o offset 0
    ) opened where lo_close(opened.fd) = 0
  )
  select (select count(*) from object)::int as count, coalesce(sum(hashtextextended(
      format('%s %s %s %s', object.oid, object.length, at, encode(sha256(lo_get(object.oid, at, 262144)), 'hex'))
      collate "C", 0)), 0)::text as checksum
  from object, generate_series(0::bigint, greatest(object.length - 1, 0), 262144) at`;

async function readLargeObjects(session: Session): Promise<Baseline["largeObjects"]> {
  const [row] = await readable(session, "the large objects", () =>
    session.query<Baseline["largeObjects"]>(LARGE_OBJECTS),
  );
  return row ?? { count: 0, checksum: "0" };
}

/** SQLSTATE 42501: a privilege is missing, or row security would hide rows and the session refuses to be fooled. */
async function readable<T>(session: Session, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") throw error;
    const { sqlstate, reason } = error.facts as { sqlstate: string; reason: string };
    if (sqlstate !== "42501") throw error;
    throw new RehearsalError(
      "BaselineUnreadable",
      { what, user: session.address.user, reason },
      { cause: error },
    );
  }
}
