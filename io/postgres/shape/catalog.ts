/** How a kind of object is asked for: each kind says where its rows are and what its facts are, and this writes the query. */

import type { ObjectName } from "../../../core/shape.ts";
import { ATTRIBUTES, COLUMNS } from "./columns.ts";
import { named } from "./facts.ts";
import { PLAIN_KEYS } from "./keys.ts";

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
  /** What follows FROM, with WHERE; `relation`, `attribute`, `columns`, `plain`, `space` and `member` may be used. */
  from: string;
}

/** One object as the query gives it: identifier, word unless the kind has one word, the name's parts, suffix and the parts of `on` where the kind has them, and the facts, all in the kind's order. */
type ObjectRow = [oid: string, ...values: unknown[]];

/** Some objects of one kind, which is told by its place in the list. */
export interface ObjectRows {
  kind: number;
  objects: ObjectRow[];
}

/**
 * One query for all kinds: one statement has one snapshot, also in a READ COMMITTED transaction.
 * Each object is one JSON array, for names repeated in every object would cost more than reading the catalogs, and each
 * row has many, for a row costs more than an object.
 */
export function objectsQuery(kinds: Kind[]): string {
  return `${COMMON}\n${kinds.map(select).join("\nunion all\n")}`;
}

/** So that no row comes near the gigabyte that a value may be. */
const OIDS_A_ROW = 16_384;

function select(kind: Kind, place: number): string {
  const { name, suffix, on = [] } = kind;
  // Flat, and without what is the same in each: the server looks up the type of every value of every array anew.
  const values = [
    kind.oid,
    ...(onlyWord(kind) === undefined ? [kind.word] : []),
    ...name,
    ...(suffix === undefined ? [] : [suffix]),
    ...on,
    ...Object.values(kind.facts),
  ];
  return `select ${place} as kind, json_agg(json_build_array(${values.join(", ")})) as objects
    from ${kind.from} group by (${kind.oid})::bigint / ${OIDS_A_ROW}`;
}

function onlyWord({ word }: Kind): string | undefined {
  return /^'([^']*)'$/.exec(word)?.[1];
}

interface ReadObject {
  oid: string;
  name: ObjectName;
  /** By their names, without those that stand at Postgres's default. */
  facts: { [fact: string]: unknown };
}

/** How to read the rows of a kind. */
export function readerOf(kind: Kind): (row: ObjectRow) => ReadObject {
  const word = onlyWord(kind);
  const nameAt = word === undefined ? 2 : 1;
  const suffixAt = nameAt + kind.name.length;
  const onAt = suffixAt + (kind.suffix === undefined ? 0 : 1);
  const factsAt = onAt + (kind.on?.length ?? 0);
  const facts = Object.keys(kind.facts);
  return (row) => ({
    oid: row[0],
    name: {
      word: word ?? String(row[1]),
      name: row.slice(nameAt, suffixAt) as string[],
      suffix: kind.suffix === undefined ? null : (row[suffixAt] as string | null),
      on: kind.on === undefined ? null : (row.slice(onAt, factsAt) as string[]),
    },
    facts: named(facts, row.slice(factsAt)),
  });
}

/** What belongs to an extension or to the making of a range type, the schemas that are the user's own, and their relations. */
const COMMON = `with member as materialized (
  select classid, objid from pg_depend where refclassid = 'pg_extension'::regclass and deptype = 'e'
  union all
  select classid, objid from pg_depend where refclassid = 'pg_type'::regclass and deptype = 'i'
    and classid in ('pg_proc'::regclass, 'pg_cast'::regclass)
), space as materialized (
  select oid, nspname, nspowner, nspacl from pg_namespace
  where nspname not like 'pg\\_%' and nspname not in ('information_schema', 'rehearsal')
), relation as materialized (
  select c.oid, s.nspname, c.relname, c.relkind, c.relowner, c.relacl, c.relpersistence, c.relispartition, c.relpartbound,
    c.reloftype, c.relispopulated, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions, c.reltoastrelid,
    c.relam, c.reltablespace
  from pg_class c join space s on s.oid = c.relnamespace
  where not exists (select from member where classid = 'pg_class'::regclass and objid = c.oid)
), attribute as materialized (${ATTRIBUTES}), columns as materialized (${COLUMNS}), plain as materialized (${PLAIN_KEYS})`;

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

/** SQL: the function's name with its argument types, or NULL for none. */
export function procedure(oid: string): string {
  return `nullif(${oid}::oid, 0)::regprocedure::text`;
}

/** SQL: a fact only where the condition holds, so that the usual case is left unsaid. */
export function when(condition: string, fact = "true"): string {
  return `case when ${condition} then ${fact} end`;
}
