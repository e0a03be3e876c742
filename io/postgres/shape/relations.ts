/** Tables, views, materialized views and foreign tables, each with its columns. */
import { grants, type Kind, role, when } from "./catalog.ts";
import { options } from "./facts.ts";

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
    columns: "coalesce(k.columns, '[]')",
    // A child by INHERITS gets its parents' columns first when it is restored, so its own order says nothing.
    ordered: "r.relispartition or i.parents is null",
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
    left join columns k on k.attrelid = r.oid
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
