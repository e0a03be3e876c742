/** The key by which a batch is cut, as the database knows it: its table, its type, and the order of its index. */
import type { BatchSettings } from "../../core/batch.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteName, quoteQualified } from "../../core/names.ts";
import type { RunItem } from "../../core/runs.ts";
import { type FilePolicy, pinForFiles, settle } from "./file-settings.ts";
import type { Session } from "./session.ts";

export interface BatchKey {
  /** Quoted qualified name of the table. */
  table: string;
  /** The key's column, quoted. */
  column: string;
  /** The key's type, quoted and qualified, without length: a literal cast to it is not cut. */
  type: string;
  /** The index's own operators, as `operator("pg_catalog".>)`. */
  above: string;
  upTo: string;
  /** Triggers may set the key of a row that is updated: each slice has to show that they did not. */
  mayMove: boolean;
}

/** Finds the key; throws `BatchKeyUnfit`, or `BatchNotSliceable` where an aggregate is inserted. Runs outside a transaction. */
export async function readBatchKey(
  session: Session,
  policy: FilePolicy,
  item: RunItem,
  batch: BatchSettings,
): Promise<BatchKey> {
  const refuse = (problem: string) =>
    new RehearsalError("BatchKeyUnfit", { path: item.path, table: batch.table, key: batch.key, problem });
  await pinForFiles(session, policy);
  const [found] = await session.query<{
    table: string | null;
    relation: string | null;
    aggregates: string[];
  }>(
    `select to_regclass($1)::oid::text as table, to_regclass($2)::oid::text as relation,
        array(select distinct proname::text from pg_proc where prokind in ('a', 'w') and proname = any ($3::text[])) as aggregates`,
    [batch.table, batch.relation, batch.calls],
  );
  await settle(session);
  const aggregates = found?.aggregates ?? [];
  if (aggregates.length > 0)
    throw new RehearsalError("BatchNotSliceable", {
      path: item.path,
      line: item.statements[0]?.line ?? 1,
      calls: aggregates.map((name) => `${name}()`).join(", "),
    });
  const table = found?.table;
  if (table === null || table === undefined) throw refuse("there is no such table");
  if (found?.relation !== table) throw refuse(`the statement's ${batch.relation} is another table`);
  const column = await readColumn(session, table, batch.key);
  if (column === undefined) throw refuse("it has no such column");
  if (!["r", "p"].includes(column.kind)) throw refuse("it is not a table");
  if (!column.notNull) throw refuse("the column may be null, and rows without a key are in no slice");
  if (column.kind === "r" && column.family > 1)
    throw refuse("other tables inherit from it, and its key says nothing of their rows");
  const moved = movesBy(column, batch);
  if (moved !== undefined) throw refuse(`${moved}, so a row could go through two slices`);
  const [above, upTo] = await readOrder(session, table, column.number);
  if (above === undefined || upTo === undefined)
    throw refuse(
      "no unique index is there for this column alone, whole, valid and in its type's usual order",
    );
  return {
    table: quoteQualified(column.schema, column.table),
    column: quoteName(batch.key),
    type: quoteQualified(column.typeSchema, column.typeName),
    above,
    upTo,
    mayMove: batch.verb === "update" && column.triggered,
  };
}

/** Who may change the key while the statement that is cut does not name it. */
function movesBy(column: Column, { verb }: BatchSettings): string | undefined {
  if (column.cascades) return "a foreign key changes the column along with what it refers to";
  if (verb !== "update") return undefined;
  if (column.generated) return "the column is generated from others";
  return column.ruled ? "a rule rewrites what is done to the table" : undefined;
}

interface Column {
  schema: string;
  table: string;
  kind: string;
  number: number;
  /** In every one of its partitions as well, and proved for the rows that are there. */
  notNull: boolean;
  /** Tables that a query of it goes through. */
  family: number;
  generated: boolean;
  cascades: boolean;
  ruled: boolean;
  /** A trigger may set columns of a row before it is updated. */
  triggered: boolean;
  typeSchema: string;
  typeName: string;
}

async function readColumn(session: Session, table: string, name: string): Promise<Column | undefined> {
  const [column] = await session.query<Column>(
    `with recursive family (oid) as (
        select $1::oid union select i.inhrelid from family f join pg_inherits i on i.inhparent = f.oid
      ), columns as (
        select a.attrelid, a.attnum, a.attnotnull from family f
          join pg_attribute a on a.attrelid = f.oid and a.attname = $2 and a.attnum > 0 and not a.attisdropped
      )
      select n.nspname as schema, c.relname as table, c.relkind as kind, a.attnum as number,
        (select bool_and(k.attnotnull and not exists (select from pg_constraint r where r.conrelid = k.attrelid
          and r.contype = 'n' and r.conkey = array[k.attnum] and not r.convalidated)) from columns k) as "notNull",
        (select count(*)::int from family) as family, a.attgenerated <> '' as generated,
        exists (select from columns k join pg_constraint r on r.conrelid = k.attrelid and r.contype = 'f'
          where k.attnum = any (r.conkey) and (r.confupdtype in ('c', 'n', 'd') or r.confdeltype in ('n', 'd'))) as cascades,
        exists (select from family f join pg_rewrite r on r.ev_class = f.oid) as ruled,
        -- Of a row, before it, of an update.
        exists (select from family f join pg_trigger g on g.tgrelid = f.oid
          where not g.tgisinternal and g.tgenabled in ('O', 'A') and g.tgtype & 19 = 19) as triggered,
        tn.nspname as "typeSchema", t.typname as "typeName"
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
      where c.oid = $1::oid and a.attname = $2`,
    [table, name],
  );
  return column;
}

/** `>` and `<=` of the index that ORDER BY would use as well, so that what is cut is what is read. */
async function readOrder(session: Session, table: string, column: number): Promise<string[]> {
  const operators = await session.query<{ schema: string; name: string }>(
    `select n.nspname as schema, o.oprname as name
      from (
        select oc.opcfamily, oc.opcintype from pg_index i
          join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam
          join pg_opclass oc on oc.oid = i.indclass[0]
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = $2
          where i.indrelid = $1::oid and i.indisunique and i.indisvalid and i.indpred is null
            and i.indnkeyatts = 1 and i.indkey[0] = $2 and am.amname = 'btree' and oc.opcdefault
            and i.indcollation[0] = a.attcollation
          limit 1
      ) key
        join pg_amop ao on ao.amopfamily = key.opcfamily
          and ao.amoplefttype = key.opcintype and ao.amoprighttype = key.opcintype and ao.amopstrategy in (2, 5)
        join pg_operator o on o.oid = ao.amopopr join pg_namespace n on n.oid = o.oprnamespace
      order by ao.amopstrategy desc`,
    [table, column],
  );
  return operators.map(({ schema, name }) => `operator(${quoteName(schema)}.${name})`);
}

/** The condition that chooses the keys above `from`, which may be none, up to `to`; `column` is the key as the query names it. */
export function sliceCondition(key: BatchKey, column: string, from: string | null, to: string): string {
  const literal = (text: string) => `${quoteLiteral(text)}::${key.type}`;
  const upTo = `${column} ${key.upTo} ${literal(to)}`;
  return from === null ? upTo : `${column} ${key.above} ${literal(from)} and ${upTo}`;
}

/** Rows of the slice that the transaction which asks has written; a row whose key it moved elsewhere is not among them. */
export async function countWritten(
  session: Session,
  key: BatchKey,
  { from, to }: { from: string | null; to: string },
): Promise<number> {
  const [row] = await session.query<{ written: number }>(
    `select count(*)::int as written from ${key.table} t
      where ${sliceCondition(key, `t.${key.column}`, from, to)} and t.xmin = pg_current_xact_id()::xid`,
  );
  return row?.written ?? 0;
}

/** The largest key there is; null in an empty table. */
export async function largestKey(session: Session, { table, column }: BatchKey): Promise<string | null> {
  const [row] = await session.query<{ key: string }>(
    `select t.${column}::text as key from ${table} t where t.${column} is not null order by t.${column} desc limit 1`,
  );
  return row?.key ?? null;
}

/** Where the next slice of `size` rows ends, and how many it has; fewer than asked means that the rest is in it. */
export async function nextSlice(
  session: Session,
  key: BatchKey,
  bounds: { from: string | null; to: string; size: number },
): Promise<{ to: string; visited: number }> {
  const { from, to, size } = bounds;
  const [row] = await session.query<{ key: string; visited: number }>(
    `select k::text as key, n::int as visited from (
        select k, row_number() over (order by k) as n from (
          select t.${key.column} as k from ${key.table} t
            where ${sliceCondition(key, `t.${key.column}`, from, to)} order by t.${key.column} limit ${size}
        ) keys
      ) numbered order by n desc limit 1`,
  );
  if (row === undefined) return { to, visited: 0 };
  return { to: row.visited < size ? to : row.key, visited: row.visited };
}

/** Rows of the table by the planner's account, counted where it has none. */
export async function estimateRows(session: Session, { table }: BatchKey): Promise<number> {
  const [known] = await session.query<{ rows: number }>(
    "select reltuples::float8 as rows from pg_class where oid = to_regclass($1)",
    [table],
  );
  if (known !== undefined && known.rows > 0) return Math.round(known.rows);
  const [counted] = await session.query<{ rows: string }>(`select count(*) as rows from ${table}`);
  return Number(counted?.rows ?? 0);
}
