/** Constraints of tables and domains. */
import { type Kind, notMember, when } from "./catalog.ts";

const facts = {
  definition: "pg_get_constraintdef(c.oid)",
  notValidated: when("not c.convalidated"),
};

const own = "c.coninhcount = 0 or c.conislocal and not r.relispartition";

/**
 * What follows from a parent table is left out, for a dump leaves it out too and its names come out anew:
 * inherited CHECK and NOT NULL, and the copies of a foreign key that partitions have. Whether a partition has an
 * inherited one also by itself is forgotten when it is attached anew, so that does not count.
 */
export const tableConstraints: Kind = {
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["r.nspname", "r.relname"],
  facts,
  from: `pg_constraint c join relation r on r.oid = c.conrelid
  where case c.contype when 't' then false when 'f' then c.conparentid = 0
    when 'c' then ${own} when 'n' then ${own} else true end`,
};

/** NOT NULL is a fact of the domain. */
export const domainConstraints: Kind = {
  catalog: "pg_constraint",
  oid: "c.oid",
  word: "'constraint'",
  name: ["c.conname"],
  on: ["s.nspname", "t.typname"],
  facts,
  from: `pg_constraint c join pg_type t on t.oid = c.contypid join space s on s.oid = t.typnamespace
  where c.contype <> 'n' and ${notMember("pg_type", "t.oid")}`,
};
