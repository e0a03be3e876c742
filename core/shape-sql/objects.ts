/**
 * Objects other than tables as SQL: made, dropped, and given what stands beside their definition; all kinds in one place, for each
 * verb.
 * Long because each verb is one table over all kinds: whoever adds a kind sees where each has it.
 */
import { quoteLiteral, quoteName } from "../names.ts";
import { columnGrantStatements, granteesOf, grantStatements } from "./grants.ts";
import { equal, type Facts, type Item, optionList, qualified, shownFact, sqlName, untold } from "./item.ts";

/** Makes an object as it is defined; its owner, rights and comment are given by `properties`. */
export function createObject(item: Item): string[] {
  const { word, facts, on } = item;
  const name = sqlName(item);
  const definition = facts.definition ?? "";
  const target = on === null ? "" : qualified(on);
  switch (word) {
    case "schema":
      return [`create schema ${name};`];
    case "extension":
      return [
        `create extension ${name} with schema ${quoteName(String(facts.schema))} version ${quoteLiteral(String(facts.version)).trimStart()};`,
      ];
    case "type":
      return createType(item);
    case "domain":
      return [
        `create domain ${name} as ${String(facts.type)}${facts.collation ? ` collate ${String(facts.collation)}` : ""}${
          facts.default === undefined ? "" : ` default ${String(facts.default)}`
        }${facts.notNull ? " not null" : ""};`,
      ];
    case "sequence":
      return [`create ${facts.unlogged ? "unlogged " : ""}sequence ${name}${sequenceOptions(facts)};`];
    case "function":
    case "procedure":
    case "index":
    case "statistics":
      return [`${definition.trimEnd().replace(/;$/, "")};`, ...indexSettings(item)];
    case "trigger":
      return [`${definition};`, ...firing(item, target)];
    case "rule":
      return [definition, ...firing(item, target)];
    case "policy":
      return [
        `create policy ${name} on ${target} as ${facts.restrictive ? "restrictive" : "permissive"} for ${String(facts.command)} to ${(
          (facts.roles as string[] | undefined) ?? []
        )
          .map((role) => (role === "public" ? role : quoteName(role)))
          .join(", ")}${facts.using === undefined ? "" : ` using (${String(facts.using)})`}${
          facts.check === undefined ? "" : ` with check (${String(facts.check)})`
        };`,
      ];
    case "constraint":
      return [`alter table ${target} add constraint ${name} ${definition};`];
    case "view":
    case "materialized view": {
      const query = definition.trimEnd().replace(/;$/, "");
      const options = facts.options ? ` with (${optionList(facts.options)})` : "";
      const tail = facts.unpopulated ? "\n with no data" : "";
      return [`create ${word} ${name}${options} as\n${query}${tail};`];
    }
    default:
      return [untold(item.address, `it is to be made, with ${shownFact(facts)}`)];
  }
}

/** The other way round; what goes with something else is left to that. */
export function dropObject(item: Item): string[] {
  const { word, on, facts } = item;
  const name = sqlName(item);
  switch (word) {
    case "trigger":
    case "rule":
    case "policy":
      return [`drop ${word} ${name} on ${qualified(on ?? [])};`];
    case "constraint":
      return [`alter table ${qualified(on ?? [])} drop constraint ${name};`];
    case "sequence":
      // A sequence goes with the column that it belongs to.
      return facts.identityOf === undefined ? [`drop sequence if exists ${name};`] : [];
    case "index":
      return facts.constraint !== undefined || facts.partitionOf !== undefined ? [] : [`drop index ${name};`];
    case "table":
    case "view":
    case "materialized view":
    case "foreign table":
    case "function":
    case "procedure":
    case "aggregate":
    case "schema":
    case "extension":
    case "type":
    case "domain":
    case "statistics":
      return [`drop ${word} ${name};`];
    default:
      return [untold(item.address, "it was not promised, and is to be dropped")];
  }
}

/** Facts that `alterObject`, `properties` and the writer of tables know, by kind; what else differs is told. */
const KNOWN: Record<string, readonly string[]> = {
  table: [
    ...[
      "schema",
      "name",
      "columns",
      "order",
      "unlogged",
      "rowSecurity",
      "rowSecurityForced",
      "replicaIdentity",
    ],
    ...["options", "toastOptions", "tablespace"],
  ],
  view: ["schema", "name"],
  "materialized view": ["schema", "name"],
  type: ["labels", "columns", "order"],
  domain: ["default", "notNull"],
  sequence: ["type", "start", "increment", "minimum", "maximum", "cache", "cycle", "ownedBy", "unlogged"],
  function: ["definition"],
  procedure: ["definition"],
  schema: [],
  extension: ["version", "schema"],
  index: [],
};

const PROPERTIES = ["owner", "grants", "comment"];

/** Alters an object that is in both shapes and need not be made anew; columns of tables are not its matter. */
export function alterObject(from: Item, to: Item): string[] {
  const { word, facts } = to;
  const name = sqlName(to);
  const before = from.facts;
  const differs = (fact: string) => !equal(before[fact], facts[fact]);
  const known = [...PROPERTIES, ...(KNOWN[word] ?? [])];
  const statements: string[] = [];
  if (word === "domain") {
    if (differs("default"))
      statements.push(
        `alter domain ${name} ${facts.default === undefined ? "drop default" : `set default ${String(facts.default)}`};`,
      );
    if (differs("notNull"))
      statements.push(`alter domain ${name} ${facts.notNull ? "set" : "drop"} not null;`);
  }
  if (word === "type") statements.push(...alterType(from, to));
  if (word === "sequence") {
    const text = sequenceOptions(facts);
    if (text !== sequenceOptions(before)) statements.push(`alter sequence ${name}${text};`);
    if (differs("unlogged"))
      statements.push(`alter sequence ${name} set ${facts.unlogged ? "unlogged" : "logged"};`);
  }
  if ((word === "function" || word === "procedure") && differs("definition"))
    statements.push(...createObject(to));
  if (word === "extension") {
    if (differs("version"))
      statements.push(
        `alter extension ${name} update to ${quoteLiteral(String(facts.version)).trimStart()};`,
      );
    if (differs("schema"))
      statements.push(`alter extension ${name} set schema ${quoteName(String(facts.schema))};`);
  }
  const others = [...new Set([...Object.keys(before), ...Object.keys(facts)])].filter(
    (fact) => !known.includes(fact) && differs(fact),
  );
  for (const fact of others)
    statements.push(
      untold(to.address, `${fact} is ${shownFact(before[fact])}, promised is ${shownFact(facts[fact])}`),
    );
  return statements;
}

/** Owner, rights, comments and the settings of tables: after them the object's are those of `to`. */
export function properties(from: Facts | undefined, to: Item, everybody: readonly string[]): string[] {
  const { word, facts } = to;
  const name = sqlName(to);
  const was: Facts = from ?? {};
  const differs = (fact: string) => !equal(was[fact], facts[fact]);
  const statements: string[] = [];
  const linked = word === "sequence" && (facts.ownedBy !== undefined || facts.identityOf !== undefined);
  if (differs("owner") && facts.owner !== undefined && !linked)
    statements.push(`alter ${word} ${name} owner to ${quoteName(facts.owner)};`);
  const granted =
    differs("grants") || (from === undefined && everybody.length > 0 && facts.owner !== undefined);
  if (granted)
    statements.push(...grantStatements(to, facts.grants, [...everybody, ...granteesOf(was.grants)]));
  if (word === "table") statements.push(...tableSettings(was, to));
  for (const [column, is] of Object.entries(facts.columns ?? {})) {
    const before =
      was.columns !== undefined && Object.hasOwn(was.columns, column) ? was.columns[column] : undefined;
    if (before?.comment !== is.comment)
      statements.push(`comment on column ${qualified([...to.name, column])} is ${literal(is.comment)};`);
    // Taking a right on the whole table takes it on its columns too.
    if (!equal(before?.grants, is.grants) || (granted && is.grants !== undefined))
      statements.push(...columnGrantStatements(to, column, is.grants, granteesOf(before?.grants)));
  }
  if (differs("comment")) statements.push(`comment on ${commented(to)} is ${literal(facts.comment)};`);
  return statements;
}

function commented(item: Item): string {
  const name = sqlName(item);
  if (item.on === null) return `${item.word} ${name}`;
  return `${item.word} ${name} on ${qualified(item.on)}`;
}

function tableSettings(was: Facts, { name, facts }: Item): string[] {
  const alter = (what: string) => `alter table ${qualified(name)} ${what};`;
  const differs = (fact: string) => !equal(was[fact], facts[fact]);
  const options = (fact: string, prefix: string) => {
    const [before, after] = [was[fact], facts[fact]].map((value) => (value as string[] | undefined) ?? []);
    const nameOf = (option: string) => option.slice(0, option.indexOf("="));
    const gone = (before ?? []).filter(
      (one) => !(after ?? []).some((other) => nameOf(other) === nameOf(one)),
    );
    return [
      ...(gone.length > 0
        ? [alter(`reset (${gone.map((one) => prefix + quoteName(nameOf(one))).join(", ")})`)]
        : []),
      ...((after ?? []).length > 0 && !equal(before, after)
        ? [alter(`set (${optionList(after ?? [], prefix)})`)]
        : []),
    ];
  };
  return [
    ...(differs("unlogged") && was.columns !== undefined
      ? [alter(`set ${facts.unlogged ? "unlogged" : "logged"}`)]
      : []),
    ...(differs("rowSecurity")
      ? [alter(`${facts.rowSecurity ? "enable" : "disable"} row level security`)]
      : []),
    ...(differs("rowSecurityForced")
      ? [alter(`${facts.rowSecurityForced ? "force" : "no force"} row level security`)]
      : []),
    ...(differs("replicaIdentity") && facts.replicaIdentity !== "index"
      ? [alter(`replica identity ${String(facts.replicaIdentity ?? "default")}`)]
      : []),
    ...options("options", ""),
    ...options("toastOptions", "toast."),
    ...(differs("tablespace")
      ? [alter(`set tablespace ${quoteName(String(facts.tablespace ?? "pg_default"))}`)]
      : []),
  ];
}

function createType(item: Item): string[] {
  const { facts } = item;
  const name = sqlName(item);
  if (Array.isArray(facts.labels))
    return [`create type ${name} as enum (${facts.labels.map(literal).join(", ")});`];
  if (facts.columns !== undefined && facts.subtype === undefined) {
    const list = (facts.order ?? Object.keys(facts.columns)).map((column) => attribute(facts, column));
    return [`create type ${name} as (${list.join(", ")});`];
  }
  return [untold(item.address, `it is to be made, with ${shownFact(facts)}`)];
}

function attribute({ columns = {} }: Facts, column: string): string {
  const { type = "", collation } = columns[column] ?? {};
  return `${quoteName(column)} ${type}${collation === undefined ? "" : ` collate ${collation}`}`;
}

function alterType(from: Item, to: Item): string[] {
  const name = sqlName(to);
  const [before, after] = [from.facts, to.facts];
  if (Array.isArray(before.labels) && Array.isArray(after.labels) && !equal(before.labels, after.labels)) {
    const have = before.labels.filter((label) => after.labels?.includes(label));
    if (
      have.length < before.labels.length ||
      !equal(
        have,
        after.labels.filter((label) => have.includes(label)),
      )
    )
      return [
        untold(
          to.address,
          `its labels are ${shownFact(before.labels)}, promised are ${shownFact(after.labels)}; labels go, or change places, only with a new type`,
        ),
      ];
    return after.labels.flatMap((label, place) => {
      if (have.includes(label)) return [];
      const previous = after.labels?.[place - 1];
      const where =
        previous === undefined
          ? before.labels?.[0] === undefined
            ? ""
            : ` before ${literal(before.labels[0])}`
          : ` after ${literal(previous)}`;
      return [`alter type ${name} add value ${literal(label)}${where};`];
    });
  }
  const [old, young] = [before.columns ?? {}, after.columns ?? {}];
  return [
    ...Object.keys(old)
      .filter((column) => !Object.hasOwn(young, column))
      .map((column) => `alter type ${name} drop attribute ${quoteName(column)};`),
    ...(after.order ?? []).flatMap((column) => {
      if (!Object.hasOwn(old, column))
        return [`alter type ${name} add attribute ${attribute(after, column)};`];
      if (old[column]?.type === young[column]?.type && old[column]?.collation === young[column]?.collation)
        return [];
      return [
        `alter type ${name} alter attribute ${quoteName(column)} type ${young[column]?.type ?? ""}${
          young[column]?.collation ? ` collate ${young[column]?.collation}` : ""
        };`,
      ];
    }),
  ];
}

/** How a sequence counts, with a space before it. */
export function sequenceOptions({ type, start, increment, minimum, maximum, cache, cycle }: Facts): string {
  return ` as ${String(type)} increment by ${String(increment)} minvalue ${String(minimum)} maxvalue ${String(maximum)} start with ${String(start)} cache ${String(cache)} ${cycle ? "cycle" : "no cycle"}`;
}

function indexSettings(item: Item): string[] {
  if (item.word === "statistics")
    return item.facts.target === undefined
      ? []
      : [`alter statistics ${sqlName(item)} set statistics ${String(item.facts.target)};`];
  if (item.word !== "index") return [];
  const statistics = Object.entries((item.facts.statistics as Record<string, number> | undefined) ?? {});
  const { tablespace, invalid } = item.facts;
  return [
    ...statistics.map(
      ([column, target]) => `alter index ${sqlName(item)} alter column ${column} set statistics ${target};`,
    ),
    ...(tablespace === undefined
      ? []
      : [`alter index ${sqlName(item)} set tablespace ${quoteName(String(tablespace))};`]),
    ...(invalid ? [untold(item.address, "it is to be invalid")] : []),
  ];
}

function firing({ word, name, facts }: Item, target: string): string[] {
  const how: Record<string, string> = {
    disabled: "disable",
    "on replica": "enable replica",
    always: "enable always",
  };
  const words = how[String(facts.fires)];
  return words === undefined ? [] : [`alter table ${target} ${words} ${word} ${qualified(name)};`];
}

function literal(text: string | undefined): string {
  return text === undefined ? "null" : quoteLiteral(text).trimStart();
}
