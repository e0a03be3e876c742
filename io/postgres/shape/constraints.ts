/** Constraints of tables and domains. */
import { type Kind, notMember, when } from "./catalog.ts";

const notValidated = when("not c.convalidated");

const ACTION = (column: string, event: string) => `case c.${column} when 'r' then ' ON ${event} RESTRICT'
  when 'c' then ' ON ${event} CASCADE' when 'n' then ' ON ${event} SET NULL' when 'd' then ' ON ${event} SET DEFAULT' else '' end`;

/**
 * SQL: the definition of the usual constraints, as the server prints it; NULL for any other. The server prints one at a
 * time and looks up each name anew, which takes many times longer.
 */
const usual = (
  major: number,
) => `case when not c.convalidated or c.condeferrable ${major >= 18 ? "or c.conperiod" : ""} then null
  when c.contype = 'n' and not c.connoinherit then 'NOT NULL ' || quote_ident(a.attname)
  when c.contype = 'p' and p.method = 'btree' then 'PRIMARY KEY (' || p.names || ')'
  when c.contype = 'u' and p.method = 'btree' then 'UNIQUE (' || p.names || ')'
  when c.contype = 'f' and c.confmatchtype = 's' and c.confdelsetcols is null and cardinality(c.conkey) = 1 then
    'FOREIGN KEY (' || quote_ident(a.attname) || ') REFERENCES ' || quote_ident(f.nspname) || '.' || quote_ident(f.relname)
    || '(' || quote_ident(fa.attname) || ')' || ${ACTION("confupdtype", "UPDATE")} || ${ACTION("confdeltype", "DELETE")} end`;

const own = "c.coninhcount = 0 or c.conislocal and not r.relispartition";

/**
 * What follows from a parent table is left out, for a dump leaves it out too and its names come out anew:
 * inherited CHECK and NOT NULL, and the copies of a foreign key that partitions have. Whether a partition has an
 * inherited one also by itself is forgotten when it is attached anew, so that does not count.
 */
export const tableConstraints = (major: number): Kind => ({
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["r.nspname", "r.relname"],
  facts: { definition: `coalesce(${usual(major)}, pg_get_constraintdef(c.oid))`, notValidated },
  from: `pg_constraint c join relation r on r.oid = c.conrelid
    left join plain p on p.indexrelid = c.conindid
    left join attribute a on c.contype in ('n', 'f') and a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    left join relation f on f.oid = nullif(c.confrelid, 0)
    left join attribute fa on fa.attrelid = nullif(c.confrelid, 0) and fa.attnum = c.confkey[1]
  where case c.contype when 't' then false when 'f' then c.conparentid = 0
    when 'c' then ${own} when 'n' then ${own} else true end`,
});

/** NOT NULL is a fact of the domain. */
export const domainConstraints: Kind = {
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["s.nspname", "t.typname"],
  facts: { definition: "pg_get_constraintdef(c.oid)", notValidated },
  from: `pg_constraint c join pg_type t on t.oid = c.contypid join space s on s.oid = t.typnamespace
  where c.contype <> 'n' and ${notMember("pg_type", "t.oid")}`,
};
