/** Tables, views, materialized views and foreign tables, each with its columns. */
import { type Kind, when } from "./catalog.ts";
import type { Class } from "./classes.ts";
import { columnsOf } from "./columns.ts";
import { inOrder, options } from "./facts.ts";

/** What a plain table has none of, by relation; the address and all else is known from the class. */
export const relations: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: "'table'",
  name: [],
  facts: {
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
    left join (
      select inhrelid, json_agg(inhparent::regclass::text order by inhseqno) as parents, bool_or(inhdetachpending) as detaching
      from pg_inherits group by inhrelid
    ) i on i.inhrelid = r.oid
    left join pg_class t on t.oid = r.reltoastrelid and t.reloptions is not null
    left join pg_am am on am.oid = r.relam
    left join pg_tablespace ts on ts.oid = r.reltablespace
    left join pg_foreign_table f on f.ftrelid = r.oid
    left join pg_foreign_server fs on fs.oid = f.ftserver
  where r.relkind in ('r', 'p', 'v', 'm', 'f') and (r.relkind <> 'r' or r.relispartition or i.inhrelid is not null
    or r.reloftype <> 0 or r.relrowsecurity or r.relforcerowsecurity or r.relreplident in ('n', 'f', 'i')
    or r.reloptions is not null or t.reloptions is not null or am.amname <> 'heap' or r.reltablespace <> 0)`,
};

const WORDS: Readonly<Record<string, string>> = {
  r: "table",
  p: "table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/** The word of its address; undefined when it is no table and nothing like one. */
export function wordOf({ kind }: Class): string | undefined {
  return WORDS[kind];
}

type Facts = { [fact: string]: unknown };

/** All facts of a plain one, in the order of canonical JSON. */
export function plainFacts(relation: Class): Facts {
  const { schema, name, owner, grants, unlogged } = relation;
  const { columns, order } = columnsOf(relation);
  return {
    columns,
    ...(grants !== null && { grants }),
    ...{ name, order, owner, schema },
    ...(unlogged && { unlogged }),
  };
}

/** The same with those that `relations` gave. */
export function withRare({ order, ...facts }: Facts, rare: Facts): Facts {
  // A child by INHERITS gets its parents' columns first when it is restored, so its own order says nothing.
  return inOrder({ ...facts, ...(rare.inherits === undefined && { order }), ...rare });
}
