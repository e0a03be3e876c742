/** `store.yaml`: which tables a store keeps, under which names, in which files. */
import * as z from "zod";
import { didYouMean } from "../did-you-mean.ts";
import { parseTableKey, tableKey } from "../inventory-names.ts";
import type { SchemaLock } from "../schema-lock.ts";
import { namesOf } from "../shape-names.ts";
import { configInvalid, parseYamlFile } from "../yaml-file.ts";
import type { StoreDefinition, StoreModel } from "./definition.ts";
import { modelOf, type NamedModel, tablesToKeep } from "./lock-models.ts";
import { contentProblems, patternProblems, patternsCollide } from "./paths.ts";

export const STORE_PATH = "store.yaml";

const modelEntry = z.strictObject({
  table: z
    .string()
    .optional()
    .describe(
      "Its table, with its schema where it is not public; when left out, it is told by the model's name.",
    ),
  file: z
    .string()
    .describe("Where its rows lie: a path that ends in .json or .jsonl, with {COLUMN} where a row tells it."),
  content: z
    .record(z.string(), z.string())
    .default({})
    .describe("By column of bytea: where its values lie as files of their own, with {sha256} in it."),
});

export const storeFileSchema = z.strictObject({
  models: z
    .record(
      z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, "a model is named as a type is: Message, ChatFile"),
      modelEntry,
    )
    .describe("What the store keeps, by the names that an application uses."),
  leave: z.array(z.string()).default([]).describe("Tables that the store does not keep."),
});

/** Reads store.yaml against the schema that the release promises; throws `ConfigInvalid` with every problem. */
export function parseStoreFile(bytes: Uint8Array, lock: SchemaLock | undefined): StoreDefinition {
  const parsed = storeFileSchema.safeParse(parseYamlFile(STORE_PATH, bytes) ?? {});
  if (!parsed.success) throw configInvalid(STORE_PATH, parsed.error.issues.map(told));
  if (lock === undefined)
    throw configInvalid(STORE_PATH, [
      "models are made from schema.lock.json, and there is none: rehearsal schema",
    ]);
  const { models, leave } = parsed.data;
  const problems: string[] = [];
  const tables = new Map(tablesToKeep(lock).map((address) => [keyOf(address), address]));
  const named = Object.entries(models).flatMap(([name, { table, file, content }]): NamedModel[] => {
    const found = table === undefined ? guessed(name, tables) : tables.get(plainKey(table));
    if (found !== undefined) return [{ name, address: found, file, content }];
    problems.push(
      table === undefined
        ? `models.${name}: no one table is called like it, say which it is: table: NAME`
        : `models.${name}.table: there is no table ${table}, ${didYouMean(table, [...tables.keys()])}`,
    );
    return [];
  });
  const byTable = new Map<string, string>();
  for (const { name, address } of named) {
    const first = byTable.get(address);
    if (first !== undefined) problems.push(`models.${name}: ${first} is of ${keyOf(address)} already`);
    byTable.set(address, first ?? name);
  }
  for (const table of leave)
    if (!tables.has(plainKey(table)))
      problems.push(`leave: there is no table ${table}, ${didYouMean(table, [...tables.keys()])}`);
  const left = new Set(leave.map(plainKey));
  for (const [key, address] of tables)
    if (byTable.has(address) && left.has(key))
      problems.push(`leave: ${key} is the model ${byTable.get(address)}`);
    else if (!byTable.has(address) && !left.has(key))
      problems.push(`the table ${key} has no model; if the store is not to keep it: leave: [${key}]`);
  const made = named
    .map((one) => modelOf(lock, one, byTable, problems))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  problems.push(...made.flatMap(fileProblems), ...collisions(made));
  if (problems.length > 0) throw configInvalid(STORE_PATH, problems);
  return { format: "rehearsal-store-models/1", schema: lock.fingerprint, models: made };
}

/** As the inventory writes the name of a table. */
function keyOf(address: string): string {
  const [schema = "", name = ""] = namesOf(address);
  return tableKey({ schema, name });
}

function plainKey(table: string): string {
  const parsed = parseTableKey(table);
  return parsed === undefined ? table : tableKey(parsed);
}

/** The one table that is called like the model: by its name, in small letters with low lines, one or many. */
function guessed(name: string, tables: ReadonlyMap<string, string>): string | undefined {
  const snake = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();
  const names = [name, snake].flatMap((one) => [one, `${one}s`, `${one}es`, one.replace(/y$/, "ies")]);
  const found = [...new Set(names)].flatMap(
    (one) => tables.get(tableKey({ schema: "public", name: one })) ?? [],
  );
  return found.length === 1 ? found[0] : undefined;
}

function fileProblems({ name, columns, key, file, content }: StoreModel): string[] {
  const placeable = columns.filter((column) => !column.nullable && !Object.hasOwn(content, column.name));
  const problems = patternProblems(file, new Set(placeable.map((column) => column.name))).map(
    (problem) => `models.${name}.file: ${problem}`,
  );
  for (const [column, pattern] of Object.entries(content)) {
    const found = columns.find((one) => one.name === column);
    if (found?.of.kind !== "bytea" || found.of.array || key.includes(column))
      problems.push(`models.${name}.content.${column}: it is no column of bytea outside of the key`);
    problems.push(
      ...contentProblems(pattern).map((problem) => `models.${name}.content.${column}: ${problem}`),
    );
  }
  return problems;
}

/** Files that would stand in each other's way. */
function collisions(models: readonly StoreModel[]): string[] {
  const patterns = [...new Set(models.flatMap(({ file, content }) => [file, ...Object.values(content)]))];
  return patterns.flatMap((one, at) =>
    patterns
      .slice(at + 1)
      .filter((other) => patternsCollide(one, other))
      .map((other) => `"${one}" and "${other}" would stand in each other's way in a folder`),
  );
}

function told(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(issue.path.length > 0 ? modelEntry.shape : storeFileSchema.shape);
    return issue.keys
      .map((key) => `${[...issue.path, key].join(".")}: the key is not known, ${didYouMean(key, known)}`)
      .join("; ");
  }
  if (issue.code === "invalid_key")
    return `${path}: ${issue.issues.map(({ message }) => message).join("; ")}`;
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
