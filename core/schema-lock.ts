/**
 * `schema.lock.json`: what a release promises of its schema, generated from a replay, readable, and the same on every server.
 * Long because its schema, its making and its reading stand together: a field is in all three or in none.
 */
import * as z from "zod";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { digestOf, sha256 } from "./digest.ts";
import { RehearsalError } from "./errors.ts";
import { addressOf, describeDifference, diffShapes, type Shape } from "./shape.ts";
import { parseAddress, parseForeignKey, tableOfIndex } from "./shape-names.ts";

export const SCHEMA_LOCK_PATH = "schema.lock.json";

const column = z.strictObject({
  type: z.string(),
  nullable: z.boolean(),
  default: z.string().optional(),
  identity: z.string().optional(),
  generated: z.string().optional(),
  collation: z.string().optional(),
  /** The column holds JSON. */
  json: z.literal(true).optional(),
  /** The inventory says that its values are encrypted. */
  encrypted: z.literal(true).optional(),
  comment: z.string().optional(),
});

const table = z.strictObject({
  comment: z.string().optional(),
  columns: z.record(z.string(), column),
  /** By name, as the server prints them; foreign keys are relations. */
  constraints: z.record(z.string(), z.string()),
  /** By name, as the server prints them; those behind constraints go without saying. */
  indexes: z.record(z.string(), z.string()),
  /** What else is so: partitioning, inheritance, row security. */
  more: z.record(z.string(), z.json()).optional(),
});

const relation = z.strictObject({
  name: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  references: z.string(),
  referencedColumns: z.array(z.string()),
  onDelete: z.string(),
  onUpdate: z.string(),
  deferrable: z.enum(["immediate", "deferred"]).optional(),
  notValidated: z.literal(true).optional(),
  match: z.literal("full").optional(),
  notEnforced: z.literal(true).optional(),
});

const lockSchema = z.strictObject({
  format: z.literal("rehearsal-schema/1"),
  /** sha256 of the canonical JSON of all that follows. */
  fingerprint: z.string(),
  /** By qualified name. */
  tables: z.record(z.string(), table),
  relations: z.array(relation),
  enums: z.record(z.string(), z.array(z.string())),
  views: z.record(
    z.string(),
    z.strictObject({
      materialized: z.literal(true).optional(),
      columns: z.record(z.string(), z.string()),
      definition: z.string(),
      comment: z.string().optional(),
    }),
  ),
  /** By signature. */
  functions: z.record(
    z.string(),
    z.strictObject({
      /** From the name to the language, as the server prints it. */
      signature: z.string(),
      /** Of the whole definition. */
      sha256: z.string(),
      comment: z.string().optional(),
    }),
  ),
  /** Every other object by its address, with its facts. */
  others: z.record(z.string(), z.json()),
});

export type SchemaLock = z.infer<typeof lockSchema>;
export type TableLock = z.infer<typeof table>;
export type ColumnLock = z.infer<typeof column>;

/** Columns that the inventory says are encrypted, or hold JSON as text: `public.users.email`, each part quoted where it is odd. */
export interface SchemaMarks {
  encrypted?: ReadonlySet<string>;
  json?: ReadonlySet<string>;
}

interface Facts {
  schema?: string;
  name?: string;
  definition?: string;
  constraint?: string;
  labels?: string[];
  columns?: Record<string, ColumnFacts>;
  order?: string[];
  comment?: string;
  [fact: string]: unknown;
}

interface ColumnFacts {
  type: string;
  notNull?: boolean;
  default?: string;
  identity?: string;
  generated?: string;
  collation?: string;
  comment?: string;
}

/**
 * The lock of a shape. Left out is what belongs to a server and not to a project: owners, rights, tablespaces, the versions
 * of extensions, the order of columns, and the names that Postgres 18 gives to NOT NULL.
 */
export function schemaLock(shape: Shape, marks: SchemaMarks = {}): SchemaLock {
  const relations: SchemaLock["relations"] = [];
  const entries = Object.entries(shape.objects).map(([address, facts]) => ({
    address,
    facts: facts as unknown as Facts,
    parsed: parseAddress(address),
  }));
  const tables = new Map<string, TableLock>();
  for (const { facts, parsed } of entries) {
    if (parsed?.word !== "table") continue;
    const name = nameOf(parsed.name);
    tables.set(name, tableLock(name, facts, marks));
  }
  const views: [string, Json][] = [];
  const functions: [string, Json][] = [];
  const enums: [string, Json][] = [];
  const others: [string, Json][] = [];
  for (const { address, facts, parsed } of entries) {
    const word = parsed?.word;
    const name = parsed === undefined ? "" : nameOf(parsed.name) + (parsed.suffix ?? "");
    if (word === "table" || address.startsWith("default privileges of ")) continue;
    if (word === "view" || word === "materialized view") views.push([name, viewLock(word, facts)]);
    else if (word === "function" || word === "procedure") functions.push([name, functionLock(facts)]);
    else if (word === "type" && Array.isArray(facts.labels)) enums.push([name, facts.labels]);
    else if (word === "constraint" && parsed?.on && tables.has(nameOf(parsed.on)))
      addConstraint(relations, tables, parsed.name[0] ?? "", nameOf(parsed.on), facts);
    else if (word === "index") addIndex(tables, name, facts, address, others);
    else others.push([address, portable(facts)]);
  }
  // From entries, for a table may be called `__proto__`.
  const promised = {
    tables: Object.fromEntries(tables),
    relations: relations.sort((a, b) => (a.table + a.name < b.table + b.name ? -1 : 1)),
    enums: Object.fromEntries(enums) as SchemaLock["enums"],
    views: Object.fromEntries(views) as SchemaLock["views"],
    functions: Object.fromEntries(functions) as SchemaLock["functions"],
    others: Object.fromEntries(others) as SchemaLock["others"],
  };
  return { format: "rehearsal-schema/1", fingerprint: digestOf(promised as unknown as Json), ...promised };
}

/** As it is written: indented, with a line feed at the end. Equal locks are equal bytes. */
export function schemaLockText(lock: SchemaLock): string {
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/** Reads a lock; throws `SchemaLockUnreadable`, also when it was changed by hand or badly merged. */
export function parseSchemaLock(bytes: Uint8Array): SchemaLock {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new RehearsalError("SchemaLockUnreadable", { reason: (error as Error).message }, { cause: error });
  }
  const parsed = lockSchema.safeParse(value);
  if (!parsed.success)
    throw new RehearsalError("SchemaLockUnreadable", {
      reason: parsed.error.issues
        .map(({ path, message }) => `${path.join(".")}: ${message}`)
        .slice(0, 5)
        .join("; "),
    });
  // Of the value itself: what the schema hands back lacks a table called `__proto__`.
  const lock = value as SchemaLock;
  const { format: _, fingerprint, ...promised } = lock;
  if (digestOf(promised as unknown as Json) !== fingerprint)
    throw new RehearsalError("SchemaLockUnreadable", {
      reason:
        "its content is not what its fingerprint was taken of: it was changed by hand, or a merge mixed two",
    });
  return lock;
}

/** Where the actual schema departs from the promised one, as sentences; empty exactly when the fingerprints are equal. */
export function compareLocks(promised: SchemaLock, actual: SchemaLock): string[] {
  return diffShapes(asShape(promised), asShape(actual)).map(describeDifference);
}

/** Throws `SchemaDiffers` with the differences between what is promised and what came of it. */
export function refuseOtherSchema(promised: SchemaLock, actual: SchemaLock): void {
  const differences = compareLocks(promised, actual);
  if (differences.length === 0) return;
  const more = differences.length - TOLD;
  throw new RehearsalError("SchemaDiffers", {
    promised: promised.fingerprint,
    actual: actual.fingerprint,
    differences: differences.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : ""),
  });
}

/** More than these nobody reads in one refusal; `rehearsal schema --check` tells all. */
const TOLD = 10;

/** A lock as addresses with facts, so that it is compared as shapes are. */
function asShape({ tables, relations, enums, views, functions, others }: SchemaLock): Shape {
  const under = (word: string, record: Record<string, unknown>) =>
    Object.entries(record).map(([name, facts]) => [`${word} ${name}`, facts as Json] as const);
  return {
    format: "rehearsal-shape/1",
    objects: Object.fromEntries([
      ...under("table", tables),
      ...relations.map(
        (one) => [`relation ${nameOf([one.name])} on ${one.table}`, one as unknown as Json] as const,
      ),
      ...Object.entries(enums).map(([name, labels]) => [`enum ${name}`, { labels }] as const),
      ...under("view", views),
      ...under("function", functions),
      ...Object.entries(others),
    ]),
  };
}

function tableLock(name: string, facts: Facts, { encrypted, json }: SchemaMarks): TableLock {
  const columns = facts.columns ?? {};
  const order = facts.order ?? Object.keys(columns).sort();
  const {
    comment,
    owner: _o,
    grants: _g,
    tablespace: _t,
    schema: _s,
    name: _n,
    columns: _c,
    order: _r,
    ...more
  } = facts;
  return {
    ...(comment !== undefined && { comment }),
    columns: Object.fromEntries(
      order.flatMap((column) => {
        const found = Object.hasOwn(columns, column) ? columns[column] : undefined;
        if (found === undefined) return [];
        const address = `${name}.${nameOf([column])}`;
        return [
          [
            column,
            columnLock(
              found,
              /^jsonb?(\[\])*$/.test(found.type) || json?.has(address) === true,
              encrypted?.has(address) === true,
            ),
          ],
        ];
      }),
    ),
    constraints: {},
    indexes: {},
    ...(Object.keys(more).length > 0 && { more: more as TableLock["more"] }),
  };
}

function columnLock(facts: ColumnFacts, json: boolean, encrypted: boolean): ColumnLock {
  const { type, notNull, default: expression, identity, generated, collation, comment } = facts;
  return {
    type,
    nullable: notNull !== true,
    ...(expression !== undefined && { default: expression }),
    ...(identity !== undefined && { identity }),
    ...(generated !== undefined && { generated }),
    ...(collation !== undefined && { collation }),
    ...(json && { json: true as const }),
    ...(encrypted && { encrypted: true as const }),
    ...(comment !== undefined && { comment }),
  };
}

function viewLock(word: string, { columns = {}, order, definition = "", comment }: Facts): Json {
  const names = order ?? Object.keys(columns);
  return {
    ...(word === "materialized view" && { materialized: true }),
    columns: Object.fromEntries(names.map((name) => [name, columns[name]?.type ?? ""])),
    definition,
    ...(comment !== undefined && { comment }),
  };
}

function functionLock({ definition = "", comment }: Facts): Json {
  const [, signature = definition] = /^CREATE OR REPLACE (.*?)\n LANGUAGE /s.exec(definition) ?? [];
  return {
    signature: signature.replaceAll(/\s+/g, " ").trim(),
    sha256: sha256(definition),
    ...(comment !== undefined && { comment }),
  };
}

function addConstraint(
  relations: SchemaLock["relations"],
  tables: Map<string, TableLock>,
  name: string,
  on: string,
  { definition = "" }: Facts,
): void {
  // On Postgres 18 these have names; before, and in the columns, they are facts of the column.
  if (definition.startsWith("NOT NULL ")) return;
  const key = parseForeignKey(definition);
  if (key === undefined) put(tables.get(on)?.constraints, name, definition);
  else relations.push({ name, table: on, ...key, references: nameOf(key.references) });
}

function addIndex(
  tables: Map<string, TableLock>,
  name: string,
  facts: Facts,
  address: string,
  others: [string, Json][],
): void {
  if (facts.constraint !== undefined) return;
  const on = facts.definition === undefined ? undefined : tableOfIndex(facts.definition);
  const found = on === undefined ? undefined : tables.get(nameOf(on));
  if (found === undefined) others.push([address, portable(facts)]);
  else put(found.indexes, name, facts.definition ?? "");
}

/** Not by assignment: a constraint may be called `__proto__`. */
function put(record: Record<string, string> | undefined, name: string, value: string): void {
  if (record !== undefined)
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
}

function portable(facts: Facts): Json {
  const { owner: _o, grants: _g, tablespace: _t, version: _v, ...others } = facts;
  return JSON.parse(canonicalJson(others as unknown as Json)) as Json;
}

/** A qualified name as addresses write it. */
function nameOf(name: readonly string[]): string {
  return addressOf({ word: "", name, suffix: null, on: null }).slice(1);
}
