/** How the kinds of objects are asked for of which a database has few or each is its own: each says where its rows are and what its facts are, and this writes the query. */

import type { ObjectName } from "../../../core/shape.ts";

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
  /** The catalog and SQL of the identifier of what it stands on: when that came with an extension, so did this. */
  of?: readonly [catalog: string, oid: string];
  /** SQL by fact; NULL means Postgres's default, which is left unsaid. */
  facts: Record<string, string>;
  /** What follows FROM, with WHERE; `relation` and `space` may be used. */
  from: string;
  /** What follows EXISTS (SELECT FROM: without such a row there is none of the kind, and it costs nothing more than the question. */
  present?: string;
}

/** One object as the query gives it: identifier, that of what it stands on where the kind has one, word unless the kind has one word, the name's parts, suffix and the parts of `on` where the kind has them, and the facts, all in the kind's order. */
type ObjectRow = [oid: number, ...values: unknown[]];

/** What a part of the statement gave: a group of rows that are alike each, or the objects of a kind. */
export interface PartRow {
  part: string;
  value: unknown[] | null;
}

/**
 * One query for all that is asked for: one statement has one snapshot, also in a READ COMMITTED transaction.
 * What there is much of comes by `groups`, each in one row and before all else; of the kinds each object is one JSON array, for names
 * repeated in every object would cost more than reading the catalogs, and each row has many, for a row costs more than an object.
 */
export function objectsQuery(
  groups: Readonly<Record<string, string>>,
  kinds: ReadonlyMap<string, Kind>,
): string {
  const parts = [
    ...Object.entries(groups).map(
      ([part, sql]) => `select '${part}' as part, json_agg(value) as value from (${sql}) part`,
    ),
    ...[...kinds].map(([part, kind]) => select(part, kind)),
  ];
  return `${COMMON}\n${parts.join("\nunion all\n")}`;
}

/**
 * Which of the kinds there are none of, for planning what is asked of them takes longer than looking. Where each statement has
 * a snapshot of its own it names none, for there may be some by the time of the next.
 */
export function presenceQuery(kinds: ReadonlyMap<string, Kind>): string {
  const asked = [...kinds].flatMap(([part, { present }]) =>
    present === undefined ? [] : [`('${part}', exists (select from ${present}))`],
  );
  return `with own as materialized (select array(select oid from (${SPACE}) s) as spaces)
    select array_agg(part) as parts from (values ${asked.join(", ")}) kind (part, present)
    where not present and current_setting('transaction_isolation') <> 'read committed'`;
}

/** SQL: that a schema is one of the user's own, where the kind says what there has to be for any. */
export function ours(namespace: string): string {
  return `${namespace} = any ((select spaces from own)::oid[])`;
}

/** So that no row comes near the gigabyte that a value may be. */
const OIDS_A_ROW = 16_384;

function select(part: string, kind: Kind): string {
  const { name, suffix, on = [], of } = kind;
  // Flat, and without what is the same in each: the server looks up the type of every value of every array anew.
  const values = [
    number(kind.oid),
    ...(of === undefined ? [] : [number(of[1])]),
    ...(onlyWord(kind) === undefined ? [kind.word] : []),
    ...name,
    ...(suffix === undefined ? [] : [suffix]),
    ...on,
    ...Object.values(kind.facts),
  ];
  return `select '${part}' as part, json_agg(json_build_array(${values.join(", ")})) as value
    from ${kind.from} group by (${kind.oid})::bigint / ${OIDS_A_ROW}`;
}

function onlyWord({ word }: Kind): string | undefined {
  return /^'([^']*)'$/.exec(word)?.[1];
}

interface ReadObject {
  oid: number;
  /** The identifier of what it stands on. */
  of: number | undefined;
  name: ObjectName;
  /** By their names, without those that stand at Postgres's default. */
  facts: { [fact: string]: unknown };
}

/** How to read the rows of a kind. */
export function readerOf(kind: Kind): (row: ObjectRow) => ReadObject {
  const word = onlyWord(kind);
  const ofAt = kind.of === undefined ? 0 : 1;
  const wordAt = ofAt + (word === undefined ? 1 : 0);
  const nameAt = wordAt + 1;
  const suffixAt = nameAt + kind.name.length;
  const onAt = suffixAt + (kind.suffix === undefined ? 0 : 1);
  const factsAt = onAt + (kind.on?.length ?? 0);
  // In the order of canonical JSON, which is written faster so.
  const facts = Object.keys(kind.facts)
    .map((name, place): [string, number] => [name, factsAt + place])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return (row) => ({
    oid: row[0],
    of: ofAt === 0 ? undefined : (row[ofAt] as number),
    name: {
      word: word ?? String(row[wordAt]),
      name: row.slice(nameAt, suffixAt) as string[],
      suffix: kind.suffix === undefined ? null : (row[suffixAt] as string | null),
      on: kind.on === undefined ? null : (row.slice(onAt, factsAt) as string[]),
    },
    facts: namedAt(facts, row),
  });
}

function namedAt(facts: readonly [name: string, place: number][], row: ObjectRow): ReadObject["facts"] {
  const found: ReadObject["facts"] = {};
  for (const [name, place] of facts) if (row[place] !== null) found[name] = row[place];
  return found;
}

/** The schemas that are the user's own. */
const SPACE = `select oid, nspname, nspowner, nspacl from pg_namespace
  where nspname not like 'pg\\_%' and nspname not in ('information_schema', 'rehearsal')`;

/** And their relations; each query looks for itself, so that it is planned with what it asks of them. */
const COMMON = `with space as not materialized (${SPACE}), relation as not materialized (
  select s.nspname, c.* from pg_class c join space s on s.oid = c.relnamespace
)`;

/** SQL: an object identifier as JSON has numbers, which it otherwise writes as a text. */
export function number(oid: string): string {
  return `(${oid})::int8`;
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
    to_json(nullif(${sorted(acl)}, ${sorted(`acldefault(${kind}, ${owner})`)})) end`;
}

/** SQL: the function's name with its argument types, or NULL for none. */
export function procedure(oid: string): string {
  return `nullif(${oid}::oid, 0)::regprocedure::text`;
}

/** SQL: a fact only where the condition holds, so that the usual case is left unsaid. */
export function when(condition: string, fact = "true"): string {
  return `case when ${condition} then ${fact} end`;
}
