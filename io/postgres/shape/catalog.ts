/** How a kind of object is asked for: each kind says where its rows are and what its facts are, and this writes the query. */

export interface Kind {
  /** The catalog whose comments and labels belong to it: `pg_class`. */
  catalog: string;
  /** SQL of its object identifier, which stays inside the reader. */
  oid: string;
  /** SQL of its word in the address: `'index'`. */
  word: string;
  /** SQL of each part of its name: schema, name. */
  name: string[];
  /** SQL of what tells it from its namesakes: `(integer, text)`, ` using btree`. */
  suffix?: string;
  /** SQL of the parts of the name of what it stands on: its table. */
  on?: string[];
  /** SQL by fact; NULL means Postgres's default, which is left unsaid. */
  facts: Record<string, string>;
  /** What follows FROM, with WHERE; `relation`, `space` and `member` may be used. */
  from: string;
}

/** A row of the query: one object. */
export interface ObjectRow {
  catalog: number;
  oid: number;
  word: string;
  name: string[];
  suffix: string | null;
  on: string[] | null;
  facts: { [fact: string]: unknown };
}

/** One query for all kinds: one statement has one snapshot, also in a READ COMMITTED transaction. */
export function objectsQuery(kinds: Kind[]): string {
  return `${COMMON}\n${kinds.map(select).join("\nunion all\n")}`;
}

function select(kind: Kind): string {
  const facts = Object.entries(kind.facts).map(([fact, sql]) => `'${fact}', ${sql}`);
  return `select '${kind.catalog}'::regclass::oid as catalog, ${kind.oid} as oid, ${kind.word} as word,
    array[${kind.name.join(", ")}]::text[] as name, ${kind.suffix ?? "null::text"} as suffix,
    ${kind.on ? `array[${kind.on.join(", ")}]` : "null"}::text[] as on,
    json_strip_nulls(json_build_object(${facts.join(", ")})) as facts
  from ${kind.from}`;
}

/** What belongs to an extension or to the making of a range type, the schemas that are the user's own, and their relations. */
const COMMON = `with member as materialized (
  select classid, objid from pg_depend where deptype = 'e' or (deptype = 'i'
    and refclassid = 'pg_type'::regclass and classid in ('pg_proc'::regclass, 'pg_cast'::regclass))
), space as materialized (
  select oid, nspname, nspowner, nspacl from pg_namespace
  where nspname not like 'pg\\_%' and nspname not in ('information_schema', 'rehearsal')
), relation as materialized (
  select c.*, s.nspname from pg_class c join space s on s.oid = c.relnamespace
  where not exists (select from member where classid = 'pg_class'::regclass and objid = c.oid)
)`;

/** SQL: no extension and no range type brought the object of this catalog. */
export function notMember(catalog: string, oid: string): string {
  return `not exists (select from member where member.classid = '${catalog}'::regclass and member.objid = ${oid})`;
}

/** SQL: the role's name. */
export function role(oid: string): string {
  return `pg_get_userbyid(${oid})`;
}

/** SQL: who may do what, in byte order; NULL when it is what Postgres gives by default, whether that is written down or not. */
export function grants(acl: string, kind: string, owner: string): string {
  const sorted = (items: string) =>
    `array(select item::text from unnest(${items}) item order by item::text collate "C")`;
  return `case when ${acl} is not null then
    to_json(nullif(${sorted(acl)}, ${sorted(`acldefault('${kind}', ${owner})`)})) end`;
}

/** SQL: options as `name=value`, in byte order. */
export function options(array: string): string {
  return `case when ${array} is not null then
    to_json(array(select option from unnest(${array}) option order by option collate "C")) end`;
}

/** SQL: the function's name with its argument types, or NULL for none. */
export function procedure(oid: string): string {
  return `nullif(${oid}::oid, 0)::regprocedure::text`;
}

/** SQL: a fact only where the condition holds, so that the usual case is left unsaid. */
export function when(condition: string, fact = "true"): string {
  return `case when ${condition} then ${fact} end`;
}
