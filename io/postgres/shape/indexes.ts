/** Indexes, those behind constraints too: the constraint does not say which operator classes or options its index has. */
import { type Kind, when } from "./catalog.ts";

export const indexes: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: "'index'",
  name: ["r.nspname", "r.relname"],
  facts: {
    definition: "pg_get_indexdef(r.oid)",
    invalid: when("not x.indisvalid"),
    clustered: when("x.indisclustered"),
    replicaIdentity: when("x.indisreplident"),
    partitionOf: "(select inhparent::regclass::text from pg_inherits where inhrelid = r.oid)",
    statistics: `(select json_object_agg(attnum, attstattarget order by attnum) from pg_attribute
      where attrelid = r.oid and attnum > 0 and attstattarget >= 0)`,
    tablespace: "ts.spcname",
  },
  from: `relation r
    join pg_index x on x.indexrelid = r.oid
    join relation t on t.oid = x.indrelid
    left join pg_tablespace ts on ts.oid = r.reltablespace`,
};
