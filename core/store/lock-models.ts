/**
 * The models of a store out of the schema lock: each table's columns, key, relations and indexes, and in words what of it a store
 * does not do.
 */
import { CHANGE_TRIGGER, TRUNCATE_TRIGGER } from "../feed-migration.ts";
import type { ColumnLock, SchemaLock, TableLock } from "../schema-lock.ts";
import { namesOf, parseAddress, parseKey, parsePlainIndex } from "../shape-names.ts";
import type {
  ReferentialAction,
  StoreColumn,
  StoreIndex,
  StoreModel,
  StoreRelation,
  StoreUnique,
} from "./definition.ts";
import { typeOf } from "./lock-types.ts";
import { codecOf, Unfit } from "./values.ts";

/** A model as store.yaml names it, with its table as the lock does. */
export interface NamedModel {
  name: string;
  address: string;
  file: string;
  content: Record<string, string>;
}

/** The tables that a store could keep: partitions are their parent's. */
export function tablesToKeep({ tables }: SchemaLock): string[] {
  return Object.entries(tables)
    .filter(([, { more }]) => more?.partitionOf === undefined)
    .map(([address]) => address);
}

/** The model of a table; `problems` gets what makes it impossible. `models` has the names of all models by their tables. */
export function modelOf(
  lock: SchemaLock,
  { name, address, file, content }: NamedModel,
  models: ReadonlyMap<string, string>,
  problems: string[],
): StoreModel {
  const table = lock.tables[address] as TableLock;
  const [schema = "", own = ""] = namesOf(address);
  const columns = Object.entries(table.columns)
    .filter(([, { generated }]) => generated === undefined)
    .map(([column, facts]) => columnOf(lock, column, facts));
  const kept = new Set(columns.map((column) => column.name));
  const keys = Object.entries(table.constraints).flatMap(([constraint, definition]) => {
    const key = parseKey(definition);
    return key === undefined || definition.includes("WITHOUT OVERLAPS")
      ? []
      : [{ constraint, definition, ...key }];
  });
  const primary = keys.find((one) => one.primary);
  const key = primary?.columns ?? [];
  if (key.length === 0)
    problems.push(`models.${name}: ${address} has no primary key, so its rows cannot be told apart`);
  // The server puts no row by a key that it looks at later.
  if (primary?.definition.includes(" DEFERRABLE"))
    problems.push(`models.${name}: the primary key of ${address} is deferrable, so no row can be put by it`);
  for (const column of columns)
    if (key.includes(column.name) && !isKey(column))
      problems.push(
        `models.${name}: its key has the type ${column.type}, of which two texts may be one value`,
      );
  for (const column of key)
    if (!kept.has(column)) problems.push(`models.${name}: its key has the generated column "${column}"`);
  if (table.more?.inherits !== undefined || isParent(lock, address))
    problems.push(`models.${name}: ${address} inherits or is inherited from, so its rows are not its own`);
  const indexes = indexesOf(table, kept);
  const relations = lock.relations.filter((one) => one.table === address);
  const carried = relations.filter(
    (one) =>
      models.has(one.references) && one.columns.every((column) => kept.has(column)) && !one.notEnforced,
  );
  return {
    name,
    schema,
    table: own,
    key,
    columns,
    relations: carried.map((one) => relationOf(one, models.get(one.references) ?? "")),
    unique: [
      ...keys
        .filter(({ primary, columns: of }) => !primary && of.every((column) => kept.has(column)))
        .map(({ constraint, definition, columns: of }) =>
          uniqueOf(constraint, of, definition.includes("NULLS NOT DISTINCT")),
        ),
      ...indexes.unique,
    ].sort(byName),
    indexes: indexes.plain.sort(byName),
    file,
    content,
    notCarried: [
      ...Object.entries(table.columns)
        .filter(([, { generated }]) => generated !== undefined)
        .map(([column]) => `the generated column "${column}"`),
      ...Object.entries(table.constraints)
        .filter(([constraint]) => !keys.some((one) => one.constraint === constraint))
        .map(([constraint, definition]) => `the constraint "${constraint}": ${definition}`),
      ...relations
        .filter((one) => !carried.includes(one))
        .map(
          (one) =>
            `the foreign key "${one.name}" to ${one.references}, ${models.has(one.references) ? (one.notEnforced ? "which is not enforced" : "by a generated column") : "which is no model"}`,
        ),
      ...carried
        .filter((one) => one.match === "full" && one.columns.length > 1)
        .map((one) => `MATCH FULL of the foreign key "${one.name}": columns that are filled in part`),
      ...indexes.notCarried,
      ...domainsOf(lock, table).map((domain) => `the checks of the domain ${domain}`),
      ...onTable(lock, address),
    ],
  };
}

/** Whether equal values of the column have one text, and an order that can be told without a server. */
function isKey({ of }: StoreColumn): boolean {
  return of.array !== true && of.kind !== "json" && of.kind !== "jsonb" && of.kind !== "other";
}

function columnOf(lock: SchemaLock, name: string, facts: ColumnLock): StoreColumn {
  const { of, notNull } = typeOf(lock, facts.type);
  const constant = constantOf(facts.default);
  let value: StoreColumn["default"];
  if (constant !== undefined && of.array !== true && CONSTANT.has(of.kind))
    try {
      const found = codecOf(of).normal(SPOKEN.has(of.kind) ? constant : String(constant));
      if (typeof found !== "object") value = found;
    } catch (error) {
      // A default that is none of the type's values as they are written here is only known to the server.
      if (!(error instanceof Unfit)) throw error;
    }
  return {
    name,
    type: facts.type,
    of,
    nullable: facts.nullable && !notNull,
    ...(facts.encrypted && { encrypted: true as const }),
    ...(value !== undefined && { default: value }),
  };
}

/** Kinds whose values are numbers or truths. */
const SPOKEN: ReadonlySet<string> = new Set(["int2", "int4", "bool"]);

/** Kinds whose constants are their values. */
const CONSTANT: ReadonlySet<string> = new Set([
  ...SPOKEN,
  "int8",
  "numeric",
  "text",
  "bpchar",
  "enum",
  "uuid",
]);

/** A default that is a constant, as the server prints it: `'none'::text`, `0`, `true`. */
function constantOf(expression: string | undefined): string | number | boolean | undefined {
  if (expression === undefined) return undefined;
  const [, quoted] = /^'((?:[^'\\]|'')*)'(?:::[^'()]+(?:\(\d+(?:,\d+)?\))?[^'()]*)?$/.exec(expression) ?? [];
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (/^-?\d+(\.\d+)?$/.test(expression)) return Number(expression);
  return expression === "true" ? true : expression === "false" ? false : undefined;
}

function relationOf(relation: SchemaLock["relations"][number], references: string): StoreRelation {
  const [, action = "", list] = /^([a-z ]+?)(?: \((.*)\))?$/.exec(relation.onDelete) ?? [];
  return {
    name: relation.name,
    columns: [...relation.columns],
    references,
    referencedColumns: [...relation.referencedColumns],
    onDelete: action as ReferentialAction,
    onUpdate: relation.onUpdate as ReferentialAction,
    ...(list !== undefined && { onDeleteColumns: list.split(", ") }),
  };
}

function uniqueOf(name: string, columns: string[], nullsNotDistinct: boolean): StoreUnique {
  return { name, columns, ...(nullsNotDistinct && { nullsNotDistinct: true as const }) };
}

function indexesOf({ indexes }: TableLock, kept: ReadonlySet<string>) {
  const unique: StoreUnique[] = [];
  const plain: StoreIndex[] = [];
  const notCarried: string[] = [];
  for (const [qualified, definition] of Object.entries(indexes)) {
    const name = namesOf(qualified).at(-1) ?? qualified;
    const found = parsePlainIndex(definition);
    const known = found?.columns.every((column) => kept.has(column)) === true;
    if (found !== undefined && known && found.unique)
      unique.push(uniqueOf(name, found.columns, found.nullsNotDistinct));
    else if (found !== undefined && known) plain.push({ name, columns: found.columns });
    else if (definition.startsWith("CREATE UNIQUE "))
      notCarried.push(`the unique index "${name}": ${definition}`);
  }
  return { unique, plain, notCarried };
}

/** The domains of a table's columns that have checks. */
function domainsOf(lock: SchemaLock, { columns }: TableLock): string[] {
  const domains = new Set(Object.values(columns).flatMap(({ type }) => typeOf(lock, type).domains));
  const checked = Object.keys(lock.others).filter((address) => address.startsWith("constraint "));
  return [...domains].filter((domain) => checked.some((address) => address.endsWith(` on ${domain}`)));
}

/** Triggers that tell a change feed: a store that counts is followed by nobody. */
const FEEDS: readonly string[] = [CHANGE_TRIGGER, TRUNCATE_TRIGGER];

/** What else is made upon a table. */
function onTable({ others }: SchemaLock, address: string): string[] {
  return Object.keys(others).flatMap((other) => {
    const parsed = parseAddress(other);
    if (parsed?.on === null || parsed === undefined) return [];
    const name = parsed.name.join(".");
    const made = ["trigger", "rule", "policy"].includes(parsed.word) && !FEEDS.includes(name);
    return made && other.endsWith(` on ${address}`) ? [`the ${parsed.word} "${name}"`] : [];
  });
}

function isParent({ tables }: SchemaLock, address: string): boolean {
  return Object.values(tables).some(({ more }) => {
    const parents = more?.inherits;
    return Array.isArray(parents) && parents.includes(address);
  });
}

const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
