/** Data types that users make: enums, composites, domains, ranges and base types; rows, arrays and multiranges come with their makers. */
import { grants, type Kind, number, procedure, role, when } from "./catalog.ts";
import type { Class } from "./classes.ts";
import { columnsOf } from "./columns.ts";
import { inOrder } from "./facts.ts";

const ofBase = (fact: string) => when("t.typtype = 'b'", fact);

export const dataTypes: Kind = {
  catalog: "pg_type",
  oid: "t.oid",
  word: "case t.typtype when 'd' then 'domain' else 'type' end",
  name: ["s.nspname", "t.typname"],
  facts: {
    owner: role("t.typowner"),
    grants: grants("t.typacl", "'T'", "t.typowner"),
    labels: when(
      "t.typtype = 'e'",
      "coalesce((select json_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = t.oid), '[]')",
    ),
    // Of a composite: where its columns are, which take the place of this.
    columns: when("t.typtype = 'c'", number("t.typrelid")),
    // Of a domain.
    type: when("t.typtype = 'd'", "format_type(t.typbasetype, t.typtypmod)"),
    notNull: when("t.typtype = 'd' and t.typnotnull"),
    collation: `case when t.typtype = 'd' and t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype)
      then nullif(t.typcollation, 0)::regcollation::text end`,
    // The text kept beside it was written under somebody's search_path.
    default: "coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), t.typdefault)",
    // Of a range.
    subtype: "format_type(g.rngsubtype, null)",
    subtypeCollation: "nullif(g.rngcollation, 0)::regcollation::text",
    subtypeOperatorClass:
      "(select n.nspname || '.' || o.opcname from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace where o.oid = g.rngsubopc)",
    canonical: procedure("g.rngcanonical"),
    subtypeDifference: procedure("g.rngsubdiff"),
    multirange: "nullif(g.rngmultitypid, 0)::regtype::text",
    // Of a base type; `defined` is false for a shell that waits for its functions.
    defined: when("t.typtype in ('b', 'p')", "t.typisdefined"),
    input: ofBase(procedure("t.typinput")),
    output: ofBase(procedure("t.typoutput")),
    receive: ofBase(procedure("t.typreceive")),
    send: ofBase(procedure("t.typsend")),
    modifierIn: ofBase(procedure("t.typmodin")),
    modifierOut: ofBase(procedure("t.typmodout")),
    analyze: ofBase(procedure("t.typanalyze")),
    subscript: ofBase(procedure("t.typsubscript")),
    length: ofBase("t.typlen"),
    byValue: ofBase("t.typbyval"),
    alignment: ofBase("t.typalign"),
    storage: ofBase("t.typstorage"),
    category: ofBase("t.typcategory"),
    preferred: ofBase("t.typispreferred"),
    delimiter: ofBase("t.typdelim"),
    element: ofBase("nullif(t.typelem, 0)::regtype::text"),
    collatable: ofBase("t.typcollation <> 0"),
  },
  from: `pg_type t
    join space s on s.oid = t.typnamespace
    left join relation r on r.oid = t.typrelid
    left join pg_range g on g.rngtypid = t.oid
  where (t.typrelid = 0 or r.relkind = 'c') and t.typtype <> 'm'
    and not exists (select from pg_type e where e.typarray = t.oid)`,
};

type Facts = { [fact: string]: unknown };

/** With the columns of a composite and their order. */
export function withColumns(facts: Facts, classes: ReadonlyMap<number, Class>): Facts {
  if (facts.columns === undefined) return facts;
  const composite = classes.get(facts.columns as number);
  return inOrder({
    ...facts,
    ...(composite === undefined ? { columns: {}, order: [] } : columnsOf(composite)),
  });
}
