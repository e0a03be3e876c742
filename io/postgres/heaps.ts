/** Tables as files of pages: what can be read by ranges of them, and what tells that a file still holds the same rows. */
import type { Session } from "./session.ts";

export interface FoundTable {
  bytes: number;
  rows: number;
  /** Undefined for what cannot be read by ranges of pages. */
  heap: { oid: number; filenode: number; pages: number; definition: string | null } | undefined;
}

/**
 * Heaps are what can be read by ranges of pages, by a role that may read the whole table and not just all its columns. A heap has a
 * definition when its rows tell whether they read as before: not when they hold composite values, which change with their type, or
 * names of other objects and of roles (regclass, aclitem and the like), which change with those.
 */
export async function readHeaps(session: Session, oids: readonly number[]): Promise<Map<number, FoundTable>> {
  const found = await session.query<{
    oid: number;
    bytes: string;
    rows: number;
    filenode: number | null;
    pages: string | null;
    definition: string | null;
  }>(
    `with recursive heaps as (
        select c.oid, pg_relation_filenode(c.oid) as filenode, pg_relation_size(c.oid) / current_setting('block_size')::bigint as pages
          from pg_class c join pg_am a on a.oid = c.relam
          where c.oid = any($1::oid[]) and c.relkind = 'r' and a.amhandler = 'heap_tableam_handler'::regproc
            and has_table_privilege(c.oid, 'select')
      ), parts(relation, type) as (
        select a.attrelid, a.atttypid from pg_attribute a join heaps h on h.oid = a.attrelid
          where a.attnum > 0 and not a.attisdropped
        union
        select p.relation, inner_type from parts p join pg_type y on y.oid = p.type
          left join pg_range r on y.oid in (r.rngtypid, r.rngmultitypid)
          cross join lateral (values (y.typbasetype), (case when y.typcategory = 'A' then y.typelem end), (r.rngsubtype)) of_it(inner_type)
          where inner_type <> 0
      )
      select c.oid::int8::float8 as oid, pg_table_size(c.oid)::text as bytes, greatest(c.reltuples, 0)::float8 as rows,
        h.filenode::int8::float8 as filenode, h.pages::text as pages,
        case when not exists (select from parts p join pg_type y on y.oid = p.type
            where p.relation = c.oid and (y.typtype in ('c', 'p') or y.oid = any('{regclass,regproc,regprocedure,regoper,regoperator,regtype,regconfig,regdictionary,regrole,regnamespace,regcollation,aclitem}'::regtype[])))
          then (select encode(sha256(convert_to(coalesce(json_agg(json_build_array(attnum, attname, atttypid::int8, atttypmod, attmissingval::text,
              attgenerated, case when attgenerated = 'v' then pg_get_expr(d.adbin, d.adrelid) end) order by attnum)::text, ''), getdatabaseencoding())), 'hex')
            from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) end as definition
      from pg_class c left join heaps h on h.oid = c.oid where c.oid = any($1::oid[])`,
    [oids],
  );
  return new Map(
    found.map(({ oid, bytes, rows, filenode, pages, definition }) => [
      oid,
      {
        bytes: Number(bytes),
        rows: Math.round(rows),
        heap:
          filenode === null || pages === null
            ? undefined
            : { oid, filenode, pages: Number(pages), definition },
      },
    ]),
  );
}
