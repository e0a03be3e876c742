/** Tables, views, materialized views and foreign tables, each with its columns. */
import { grants, type Kind, options, role, when } from "./catalog.ts";

export const relations: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: `case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end`,
  name: ["r.nspname", "r.relname"],
  facts: {
    schema: "r.nspname",
    name: "r.relname",
    owner: role("r.relowner"),
    grants: grants("r.relacl", "r", "r.relowner"),
    unlogged: when("r.relpersistence = 'u'"),
    columns: "coalesce(k.columns, '{}')",
    // A child by INHERITS gets its parents' columns first when it is restored, so its own order says nothing.
    order: when("k.names is not null and (r.relispartition or i.parents is null)", "k.names"),
    inherits: when("not r.relispartition", "i.parents"),
    partitionOf: when("r.relispartition", "i.parents -> 0"),
    partitionBound: when("r.relispartition", "pg_get_expr(r.relpartbound, r.oid)"),
    detaching: when("i.detaching"),
    partitionBy: when("r.relkind = 'p'", "pg_get_partkeydef(r.oid)"),
    ofType: "nullif(r.reloftype, 0)::regtype::text",
    definition: when("r.relkind in ('v', 'm')", "pg_get_viewdef(r.oid)"),
    unpopulated: when("r.relkind = 'm' and not r.relispopulated"),
    rowSecurity: when("r.relrowsecurity"),
    rowSecurityForced: when("r.relforcerowsecurity"),
    replicaIdentity: when(
      "r.relkind in ('r', 'p', 'm')",
      "case r.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' end",
    ),
    options: options("r.reloptions"),
    toastOptions: options("t.reloptions"),
    accessMethod: "nullif(am.amname, 'heap')",
    tablespace: "ts.spcname",
    server: "fs.srvname",
    serverOptions: options("f.ftoptions"),
  },
  from: `relation r
    left join (${columnsOf("r.relkind in ('r', 'p', 'v', 'm', 'f')")}) k on k.attrelid = r.oid
    left join (
      select inhrelid, json_agg(inhparent::regclass::text order by inhseqno) as parents, bool_or(inhdetachpending) as detaching
      from pg_inherits group by inhrelid
    ) i on i.inhrelid = r.oid
    left join pg_class t on t.oid = r.reltoastrelid and t.reloptions is not null
    left join pg_am am on am.oid = r.relam
    left join pg_tablespace ts on ts.oid = r.reltablespace
    left join pg_foreign_table f on f.ftrelid = r.oid
    left join pg_foreign_server fs on fs.oid = f.ftserver
  where r.relkind in ('r', 'p', 'v', 'm', 'f')`,
};

/** SQL: the living columns of relations, by name, and their names in order. */
export function columnsOf(which: string): string {
  return `select a.attrelid, json_agg(a.attname order by a.attnum) as names,
      json_object_agg(a.attname, json_build_object(
        'type', format_type(a.atttypid, a.atttypmod),
        'collation', case when a.attcollation <> t.typcollation then nullif(a.attcollation, 0)::regcollation::text end,
        'notNull', nullif(a.attnotnull, false),
        'default', pg_get_expr(d.adbin, d.adrelid),
        'generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
        'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
        'storage', case when a.attstorage <> t.typstorage then
          case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' when 'x' then 'extended' end end,
        'compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end,
        'statistics', nullif(a.attstattarget, -1),
        'inherited', case when not a.attislocal and not r.relispartition then true end,
        'options', ${options("a.attoptions")},
        'serverOptions', ${options("a.attfdwoptions")},
        'grants', ${options("a.attacl::text[]")}
      ) order by a.attnum) as columns
    from pg_attribute a
      join relation r on r.oid = a.attrelid
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
    where ${which} and a.attnum > 0 and not a.attisdropped
    group by a.attrelid`;
}
