/** Sequences: how they count and whose they are, not where they stand. */
import { grants, type Kind, role, when } from "./catalog.ts";

const COLUMN = "quote_ident(t.nspname) || '.' || quote_ident(t.relname) || '.' || quote_ident(a.attname)";

export const sequences: Kind = {
  catalog: "pg_class",
  oid: "r.oid",
  word: "'sequence'",
  name: ["r.nspname", "r.relname"],
  facts: {
    owner: role("r.relowner"),
    grants: grants("r.relacl", "s", "r.relowner"),
    unlogged: when("r.relpersistence = 'u'"),
    type: "format_type(q.seqtypid, null)",
    start: "q.seqstart::text",
    increment: "q.seqincrement::text",
    minimum: "q.seqmin::text",
    maximum: "q.seqmax::text",
    cache: "q.seqcache::text",
    cycle: when("q.seqcycle"),
    ownedBy: when("d.deptype = 'a'", COLUMN),
    identityOf: when("d.deptype = 'i'", COLUMN),
  },
  from: `relation r join pg_sequence q on q.seqrelid = r.oid
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = r.oid and d.objsubid = 0
      and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    left join relation t on t.oid = d.refobjid
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid`,
};
