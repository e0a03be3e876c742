/** Indexes, those behind constraints too. */
import { type Kind, when } from "./catalog.ts";
import { options } from "./facts.ts";

/** SQL: the definition of an index of columns alone, as the server prints it; NULL for any other. */
const PLAIN = `'CREATE ' || case when x.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(r.relname)
  || ' ON ' || case r.relkind when 'I' then 'ONLY ' else '' end || quote_ident(t.nspname) || '.' || quote_ident(t.relname)
  || ' USING ' || quote_ident(p.method) || ' (' || p.keys || ')'`;

export const indexes: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: "'index'",
  name: ["r.nspname", "r.relname"],
  facts: {
    // Behind a primary key or a unique constraint Postgres suffers only plain indexes; what they may have is options.
    definition: when("c.oid is null", `coalesce(${PLAIN}, pg_get_indexdef(r.oid))`),
    constraint: "c.conname",
    options: when("c.oid is not null", options("r.reloptions")),
    // The index of a table with a foreign partition has no part there, which Postgres minds only after a restore.
    invalid: when(`not x.indisvalid and not exists (
      select from pg_partition_tree(case r.relkind when 'I' then t.oid end) p join pg_class f on f.oid = p.relid where f.relkind = 'f')`),
    clustered: when("x.indisclustered"),
    replicaIdentity: when("x.indisreplident"),
    partitionOf: when(
      "r.relispartition",
      "(select inhparent::regclass::text from pg_inherits where inhrelid = r.oid)",
    ),
    // Only an expression has statistics of its own.
    statistics: when(
      "x.indexprs is not null",
      `(select json_object_agg(attnum, attstattarget order by attnum) from pg_attribute
        where attrelid = r.oid and attnum > 0 and attstattarget >= 0)`,
    ),
    tablespace: "ts.spcname",
  },
  from: `relation r
    join pg_index x on x.indexrelid = r.oid
    join relation t on t.oid = x.indrelid
    left join plain p on p.indexrelid = r.oid
    left join pg_constraint c on c.conindid = r.oid and c.conrelid = t.oid and c.contype in ('p', 'u')
    left join pg_tablespace ts on ts.oid = r.reltablespace`,
};
