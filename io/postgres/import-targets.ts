/** The tables that an import may fill, as the catalog has them. */
import type { TargetTable } from "../../core/import/target-column.ts";
import type { Session } from "./session.ts";

export interface Target extends TargetTable {
  /** Foreign keys to other tables than itself. */
  references: { constraint: string; schema: string; table: string; deferrable: boolean }[];
  /** Sequences that fill a column: identities and those that belong to one. */
  sequences: { column: string; schema: string; name: string }[];
}

/** Every ordinary and partitioned table outside of Postgres's schemas and ours. */
export async function readTargets(session: Session): Promise<Target[]> {
  const found = await session.query<{ target: Target }>(TARGETS);
  return found.map(({ target }) => target);
}

/** A domain's base, with the length that is said there or nearer. */
const BASE = `with recursive chain (oid, base, typmod, depth) as (
      select t.oid, t.oid, a.atttypmod, 0 from pg_type t where t.oid = a.atttypid
      union all
      select c.oid, t.typbasetype, case when c.typmod >= 0 then c.typmod else t.typtypmod end, c.depth + 1
      from chain c join pg_type t on t.oid = c.base where t.typtype = 'd')
    select c.base, c.typmod from chain c order by c.depth desc limit 1`;

const COLUMNS = `select coalesce(json_agg(json_build_object(
      'name', a.attname, 'shown', format_type(a.atttypid, a.atttypmod),
      'type', case when n.nspname = 'pg_catalog' then '' else quote_ident(n.nspname) || '.' end || y.typname,
      'length', case when base.typmod < 0 then null when y.typname in ('varchar', 'bpchar') then base.typmod - 4
        when y.typname in ('time', 'timestamp', 'timestamptz') then base.typmod end,
      'precision', case when y.typname = 'numeric' and base.typmod >= 0 then ((base.typmod - 4) >> 16) & 65535 end,
      'scale', case when y.typname = 'numeric' and base.typmod >= 0 then (((base.typmod - 4) & 2047) # 1024) - 1024 end,
      'nullable', not a.attnotnull, 'filled', a.atthasdef or a.attidentity <> '', 'generated', a.attgenerated <> ''
    ) order by a.attnum), '[]')
  from pg_attribute a cross join lateral (${BASE}) base
    join pg_type y on y.oid = base.base join pg_namespace n on n.oid = y.typnamespace
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

const TARGETS = `select json_build_object('schema', cn.nspname, 'name', c.relname, 'columns', (${COLUMNS}),
    'references', (select coalesce(json_agg(json_build_object('constraint', k.conname, 'schema', pn.nspname, 'table', p.relname,
        'deferrable', k.condeferrable) order by k.conname), '[]')
      from pg_constraint k join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
      where k.contype = 'f' and k.conrelid = c.oid and k.confrelid <> c.oid and k.conparentid = 0),
    'sequences', (select coalesce(json_agg(json_build_object('column', a.attname, 'schema', sn.nspname, 'name', s.relname)), '[]')
      from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
        and d.deptype in ('a', 'i'))) as target
  from pg_class c join pg_namespace cn on cn.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition
    and cn.nspname not like 'pg\\_%' and cn.nspname not in ('information_schema', 'rehearsal')
  order by cn.nspname, c.relname`;
