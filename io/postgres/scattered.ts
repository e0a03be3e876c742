/**
 * Tables partitioned by the hash of something that is known by its object identifier: a label of an enum, a table, a role. Another
 * database gives other identifiers, so the same rows come to lie in other partitions there, and only the whole can be compared.
 */
import type { Session } from "./session.ts";

/** Members of WITH RECURSIVE: `keyed`, what tables are partitioned by the hash of, down to the last element, field and bound; `scattering`, the tables. */
export const SCATTERING = `keyed (relation, type) as (
    select p.partrelid, a.atttypid from pg_partitioned_table p
      join pg_attribute a on a.attrelid = p.partrelid and a.attnum = any (p.partattrs) where p.partstrat = 'h'
    union
    select k.relation, inner_type.oid from keyed k join pg_type t on t.oid = k.type cross join lateral (
      select unnest(array[t.typelem, t.typbasetype])
      union all select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0
      union all select r.rngsubtype from pg_range r where r.rngtypid = t.oid
      union all select r.rngtypid from pg_range r where r.rngmultitypid = t.oid
    ) inner_type (oid)
  ), scattering (oid) as (
    select k.relation from keyed k join pg_type t on t.oid = k.type
      where t.typtype = 'e' or t.typnamespace = 'pg_catalog'::regnamespace and t.typname like 'reg%'
    union
    select p.partrelid from pg_partitioned_table p join pg_opclass o on o.oid = any (p.partclass)
      where p.partstrat = 'h' and o.opcname = 'enum_ops'
  )`;

/**
 * Whether rows have to be loaded through the tables that their partitions belong to. pg_dump knows by itself that an enum is hashed by
 * its number, but not what holds enums.
 */
export async function loadsThroughRoots(session: Session): Promise<boolean> {
  const found = await session.query(
    `with recursive ${SCATTERING} select 1 from scattering s join pg_partitioned_table p on p.partrelid = s.oid
      where not exists (select from pg_opclass o where o.oid = any (p.partclass) and o.opcname = 'enum_ops') limit 1`,
  );
  return found.length > 0;
}
