/** A project: the files of a release, each checked and understood, before anything is built, uploaded or run. */

import { parseCheck } from "./check-file.ts";
import type { Check } from "./checks.ts";
import { type DataPlan, parseDataPlan } from "./data-plan.ts";
import { RehearsalError } from "./errors.ts";
import { INVENTORY_PATH, type Inventory, parseInventory } from "./inventory.ts";
import { type Migration, parseMigration } from "./migration.ts";
import { numberText } from "./migration-name.ts";
import { CONFIG_PATH, type ProjectConfig, parseConfig } from "./project-config.ts";
import { checkPaths } from "./project-paths.ts";
import { FILE_BYTES, RELEASE_BYTES, RELEASE_FILES } from "./release-limits.ts";
import { parseSchemaLock, SCHEMA_LOCK_PATH, type SchemaLock } from "./schema-lock.ts";
import { parseSqlFile, parseView, type SqlFile } from "./sql-file.ts";

/** A file of a project, by its path relative to the project's folder. */
export interface ProjectFile {
  path: string;
  bytes: Uint8Array;
}

export interface Project {
  name: string;
  config: ProjectConfig;
  /** Gap-free, by version. */
  migrations: Migration[];
  /** Repeatable, by path; so are seeds. */
  views: SqlFile[];
  seeds: SqlFile[];
  checks: Check[];
  inventory: Inventory;
  /** What the release promises of its schema; a project need not promise. */
  schemaLock?: SchemaLock;
  /** By path. */
  plans: DataPlan[];
  /** The paths of queries, reports and top files, carried as they are. */
  others: string[];
}

/** Checks a set of files as one project; throws the first refusal, cheap ones before any SQL is parsed. */
export async function checkProject(files: readonly ProjectFile[]): Promise<Project> {
  checkSizes(files);
  checkPaths(files.map((file) => file.path));
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const config = sorted.find((file) => file.path === CONFIG_PATH);
  if (config === undefined) throw new RehearsalError("ProjectMissing", { folder: ".", missing: CONFIG_PATH });
  const parsedConfig = parseConfig(config.bytes);
  const inventory = sorted.find((file) => file.path === INVENTORY_PATH);
  const parsedInventory = parseInventory(inventory?.bytes);
  const lock = sorted.find((file) => file.path === SCHEMA_LOCK_PATH);
  const folder = (name: string) => sorted.filter((file) => file.path.startsWith(`${name}/`));
  if (folder("migrations").length === 0)
    throw new RehearsalError("ProjectMissing", { folder: ".", missing: "migrations/NNNN_what_it_does.sql" });
  const migrations = await inTurn(folder("migrations"), (file) => parseMigration(file.path, file.bytes));
  return {
    name: parsedConfig.project,
    config: parsedConfig,
    migrations: inOrder(migrations),
    views: await inTurn(folder("views"), (file) => parseView(file.path, file.bytes)),
    seeds: await inTurn(folder("seeds"), (file) => parseSqlFile(file.path, file.bytes)),
    checks: await inTurn(folder("checks"), (file) => parseCheck(file.path, file.bytes)),
    inventory: parsedInventory,
    ...(lock !== undefined && { schemaLock: parseSchemaLock(lock.bytes) }),
    plans: folder("plans").map((file) => parseDataPlan(file.path, file.bytes)),
    others: sorted
      .map((file) => file.path)
      .filter((path) => !/^(migrations|views|seeds|checks|plans)\//.test(path)),
  };
}

/** Throws `TooManyFiles`, `FileTooLarge` or `ReleaseTooLarge`. */
export function checkSizes(files: readonly { path: string; bytes: { length: number } }[]): void {
  if (files.length > RELEASE_FILES)
    throw new RehearsalError("TooManyFiles", { count: files.length, limit: RELEASE_FILES });
  let size = 0;
  for (const { path, bytes } of files) {
    if (bytes.length > FILE_BYTES)
      throw new RehearsalError("FileTooLarge", { path, size: bytes.length, limit: FILE_BYTES });
    size += bytes.length;
  }
  if (size > RELEASE_BYTES) throw new RehearsalError("ReleaseTooLarge", { size, limit: RELEASE_BYTES });
}

/** The migrations by number; throws unless they run 1, 2, 3 … */
function inOrder(migrations: readonly Migration[]): Migration[] {
  const sorted = [...migrations].sort((a, b) => a.version - b.version);
  for (const [index, { version, path }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before?.version === version)
      throw new RehearsalError("MigrationNumberTwice", { version, first: before.path, second: path });
    const wanted = (before?.version ?? 0) + 1;
    if (version !== wanted)
      throw new RehearsalError("MigrationNumberMissing", {
        missing: wanted,
        after: before === undefined ? "the beginning" : numberText(before.version),
        found: path,
      });
  }
  return sorted;
}

/** One after the other: the parser is one module with one memory. */
async function inTurn<T>(
  files: readonly ProjectFile[],
  parse: (file: ProjectFile) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const file of files) results.push(await parse(file));
  return results;
}
