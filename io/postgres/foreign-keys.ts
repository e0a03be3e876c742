/** Whether every foreign key holds: asked of the rows, for triggers that were off, and whoever may replicate, can break what a constraint promises. */
import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Session } from "./session.ts";

interface BrokenKey {
  /** Quoted and qualified. */
  table: string;
  constraint: string;
  /** Rows that point at nothing. */
  rows: number;
}

/** The foreign keys with rows that point at nothing, by table and name; those that were never validated are not asked. */
export async function findBrokenKeys(session: Session): Promise<BrokenKey[]> {
  const broken: BrokenKey[] = [];
  for (const key of await session.query<ForeignKey>(FOREIGN_KEYS)) {
    const [found] = await session.query<{ rows: string }>(
      `select count(*) as rows from ${quoteQualified(...key.child)} c
        where ${guardOf(key)} and not exists (select from ${quoteQualified(...key.parent)} p where ${matchOf(key)})`,
    );
    const rows = Number(found?.rows ?? 0);
    if (rows > 0) broken.push({ table: quoteQualified(...key.child), constraint: key.name, rows });
  }
  return broken;
}

interface ForeignKey {
  name: string;
  child: [schema: string, table: string];
  parent: [schema: string, table: string];
  columns: string[];
  parentColumns: string[];
  /** What tells that two values are equal, as `operator(schema.=)`. */
  operators: string[];
  full: boolean;
}

/** Of a partitioned table once, for all its partitions. */
const FOREIGN_KEYS = `select k.conname::text as name, k.confmatchtype = 'f' as full,
    json_build_array(cn.nspname, c.relname) as child, json_build_array(pn.nspname, p.relname) as parent,
    to_json(array(select a.attname::text from unnest(k.conkey) with ordinality as u (n, at)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.at)) as columns,
    to_json(array(select a.attname::text from unnest(k.confkey) with ordinality as u (n, at)
      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.at)) as "parentColumns",
    to_json(array(select 'operator(' || quote_ident(n.nspname) || '.' || o.oprname || ')'
      from unnest(k.conpfeqop) with ordinality as u (oid, at) join pg_operator o on o.oid = u.oid
      join pg_namespace n on n.oid = o.oprnamespace order by u.at)) as operators
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and k.convalidated and k.conparentid = 0
    and cn.nspname not like 'pg\\_%' and cn.nspname not in ('information_schema', 'rehearsal')
  order by cn.nspname, c.relname, k.conname`;

/** Which rows point at anything: all columns are there; of MATCH FULL one suffices. */
function guardOf({ columns, full }: ForeignKey): string {
  const set = columns.map((column) => `c.${quoteName(column)} is not null`);
  return full ? `(${set.join(" or ")})` : set.join(" and ");
}

function matchOf({ columns, parentColumns, operators }: ForeignKey): string {
  return columns
    .map((column, at) => {
      const [theirs = "", same = "="] = [parentColumns[at], operators[at]];
      return `p.${quoteName(theirs)} ${same} c.${quoteName(column)}`;
    })
    .join(" and ");
}
