/** Lays the rows of tables in another order on disk, so that whatever depends on the order shows that it does. */
import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Reading } from "../../core/row-order.ts";
import { OUR_USERS } from "./baseline.ts";
import type { Session } from "./session.ts";

/**
 * Reverses the rows of the tables that the statements name, with their partitions; of all tables where they name a view, a function of
 * somebody's own, or a table with triggers. Returns the tables, quoted, whose rows cannot be laid otherwise. Outside a transaction.
 */
export async function reverseRows(session: Session, readings: readonly Reading[]): Promise<string[]> {
  const relations = readings.flatMap((reading) => reading.relations);
  const functions = readings.flatMap((reading) => reading.functions);
  const found = await session.query<Laid>(TABLES, [relations, functions]);
  const left: string[] = [];
  for (const laid of found) {
    const table = quoteQualified(laid.schema, laid.name);
    if (laid.columns.length > 0) await reverse(session, table, laid);
    else if ((await session.query(`select from only ${table} limit 2`)).length > 1) left.push(table);
  }
  return left;
}

interface Laid {
  oid: string;
  schema: string;
  name: string;
  columns: string[];
}

async function reverse(session: Session, table: string, { oid, schema, columns }: Laid): Promise<void> {
  const ascending = columns.map(quoteName);
  const descending = ascending.map((column) => `${column} desc`);
  const [row] = await session.query<{ descends: boolean | null }>(
    `select (select min(ctid) from only ${table})
      = (select ctid from only ${table} order by ${descending.join(", ")} limit 1) as descends`,
  );
  const order = row?.descends === true ? ascending : descending;
  const index = `rehearsal_order_${oid}`;
  await session.execute(
    `create index ${quoteName(index)} on only ${table} (${order.join(", ")});
      cluster ${table} using ${quoteName(index)}; drop index ${quoteQualified(schema, index)}`,
  );
}

/** With the columns to order by: those of a key, or else those whose values are always short enough for an index. */
const TABLES = `with recursive named as (
    select c.oid, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname::text = any ($1::text[]) and ${OUR_USERS}
  ), beyond as (
    select exists (select from named where relkind in ('v', 'm', 'f'))
      or exists (select from named join pg_trigger g on g.tgrelid = named.oid where not g.tgisinternal)
      or exists (select from named join pg_rewrite r on r.ev_class = named.oid)
      or exists (select from pg_proc p where p.proname::text = any ($2::text[])
        and p.pronamespace <> 'pg_catalog'::regnamespace) as all_of_them
  ), family (oid) as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${OUR_USERS} and (c.oid in (select oid from named) or (select all_of_them from beyond))
    union
    select i.inhrelid from family f join pg_inherits i on i.inhparent = f.oid
  )
  select c.oid::text, n.nspname::text as schema, c.relname::text as name, to_json(coalesce(
    (select array_agg(a.attname::text order by k.place)
      from (select indexrelid, indkey, indnkeyatts from pg_index
          where indrelid = c.oid and indisunique and indisvalid and indpred is null and indexprs is null
          order by indisprimary desc, indexrelid limit 1) i
        cross join generate_series(0, i.indnkeyatts - 1) as k (place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[k.place]),
    (select array_agg(name order by attnum) from (
      select a.attname::text as name, a.attnum from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and t.typlen > 0
          and exists (select from pg_opclass o join pg_am m on m.oid = o.opcmethod
            where m.amname = 'btree' and o.opcdefault and o.opcintype = t.oid)
        order by a.attnum limit 32) short),
    '{}')) as columns
  from family f join pg_class c on c.oid = f.oid join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' order by n.nspname, c.relname`;
