/** A project: the files of a release, each checked and understood, before anything is built, uploaded or run. */

import { parseCheck } from "./check-file.ts";
import type { Check } from "./checks.ts";
import { type DataPlan, parseDataPlan } from "./data-plan.ts";
import { RehearsalError } from "./errors.ts";
import type { Tell } from "./forbidden.ts";
import type { FoundMigration, Sequence } from "./formats/format.ts";
import { FORMATS } from "./formats/formats.ts";
import { parseImportFile } from "./import/import-file.ts";
import type { ImportMapping } from "./import/mapping.ts";
import type { SqliteMapping } from "./import/sqlite-mapping.ts";
import { INVENTORY_PATH, type Inventory, parseInventory } from "./inventory.ts";
import { type Migration, understand } from "./migration.ts";
import { CONFIG_PATH, type ProjectConfig, parseConfig } from "./project-config.ts";
import { checkPaths, checkSafePaths, isMigration, layoutOf } from "./project-paths.ts";
import { parseQuery, type Query } from "./query/file.ts";
import { FILE_BYTES, RELEASE_BYTES, RELEASE_FILES } from "./release-limits.ts";
import {
  parseReporting,
  type Reporting,
  refuseGuardedDocuments,
  refusePrunedReports,
} from "./reporting/reports.ts";
import { parseSchemaLock, SCHEMA_LOCK_PATH, type SchemaLock } from "./schema-lock.ts";
import { parseSqlFile, parseView, type SqlFile } from "./sql-file.ts";
import type { StoreDefinition } from "./store/definition.ts";
import { parseStoreFile, STORE_PATH } from "./store/store-file.ts";

/** A file of a project, by its path relative to the project's folder. */
export interface ProjectFile {
  path: string;
  bytes: Uint8Array;
}

export interface Project {
  name: string;
  config: ProjectConfig;
  /** In the order of the sequence. */
  migrations: Migration[];
  /** Repeatable: those of the format first, then views by path. */
  views: SqlFile[];
  /** By path; repeatable too. */
  seeds: SqlFile[];
  checks: Check[];
  /** By path. */
  queries: Query[];
  reporting: Reporting;
  inventory: Inventory;
  /** What the release promises of its schema; a project need not promise. */
  schemaLock?: SchemaLock;
  /** What a store of its data holds, by store.yaml and the schema lock. */
  store?: StoreDefinition;
  /** By path. */
  plans: DataPlan[];
  /** By path. */
  imports: ImportMapping[];
  sqliteImports: SqliteMapping[];
  /** The paths of reports and top files, carried as they are. */
  others: string[];
  /** What the format leaves out of the sequence, or orders against what one would think. */
  notes: string[];
}

/** True for a migration that a database has had, in a release that was understood as a whole when it was made. */
export type IsApplied = (file: Pick<Migration, "path" | "sha256">) => boolean;

/** Checks a set of files as one project; throws the first refusal, cheap ones before any SQL is parsed. `tell` gets those of single statements instead: such a project must not run. Of what `applied` names only the bytes count, and it comes without statements; it may still be on its way while the files are read. */
export async function checkProject(
  files: readonly ProjectFile[],
  tell?: Tell,
  applied: IsApplied | Promise<IsApplied> = () => false,
): Promise<Project> {
  checkSizes(files);
  const paths = files.map((file) => file.path);
  checkSafePaths(paths);
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const config = sorted.find((file) => file.path === CONFIG_PATH);
  if (config === undefined) throw new RehearsalError("ProjectMissing", { folder: ".", missing: CONFIG_PATH });
  const parsedConfig = parseConfig(config.bytes);
  const layout = layoutOf(parsedConfig);
  checkPaths(paths, layout);
  const inventory = sorted.find((file) => file.path === INVENTORY_PATH);
  const parsedInventory = parseInventory(inventory?.bytes);
  const lock = sorted.find((file) => file.path === SCHEMA_LOCK_PATH);
  const schemaLock = lock && parseSchemaLock(lock.bytes);
  const store = sorted.find((file) => file.path === STORE_PATH);
  const folder = (name: string) => sorted.filter((file) => file.path.startsWith(`${name}/`));
  const own = sorted.filter((file) => isMigration(file.path, layout));
  const sequence = FORMATS[parsedConfig.format].read(own, layout.folder);
  if (sequence.migrations.length === 0)
    throw new RehearsalError("MigrationsMissing", { place: layout.folder, wanted: layout.rules.wanted });
  const read = new Set([...sequence.migrations, ...sequence.repeatables].map(({ source }) => source.path));
  const imports = folder("imports").map((file) => parseImportFile(file.path, file.bytes));
  const project: Project = {
    name: parsedConfig.project,
    config: parsedConfig,
    migrations: await understandAll(sequence, parsedConfig, applied, tell),
    views: [
      ...(await inTurn(sequence.repeatables, ({ source: { path } }) => repeatable(own, path, tell))),
      ...(await inTurn(folder("views"), (file) => parseView(file.path, file.bytes, tell))),
    ],
    seeds: await inTurn(folder("seeds"), (file) => parseSqlFile(file.path, file.bytes, tell)),
    checks: await inTurn(folder("checks"), (file) => parseCheck(file.path, file.bytes)),
    queries: await inTurn(folder("queries"), (file) => parseQuery(file.path, file.bytes)),
    reporting: await parseReporting(folder("reports")),
    inventory: parsedInventory,
    ...(schemaLock !== undefined && { schemaLock }),
    ...(store !== undefined && { store: parseStoreFile(store.bytes, schemaLock) }),
    plans: folder("plans").map((file) => parseDataPlan(file.path, file.bytes)),
    imports: imports.filter((one) => one.from === "files"),
    sqliteImports: imports.filter((one) => one.from === "sqlite"),
    others: sorted
      .map((file) => file.path)
      .filter((path) => !read.has(path) && !/^(views|seeds|checks|queries|plans|imports)\//.test(path)),
    notes: sequence.notes,
  };
  const { reporting, migrations, views } = project;
  refuseGuardedDocuments(reporting, parsedInventory);
  await refusePrunedReports(
    reporting,
    parsedInventory,
    [...migrations, ...views].flatMap(({ statements }) => statements),
  );
  return project;
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

/** Every migration of the sequence, at its place. A native one has to do something: it can still be taken away. */
async function understandAll(
  { migrations }: Sequence,
  { format }: ProjectConfig,
  applied: IsApplied | Promise<IsApplied>,
  tell?: Tell,
): Promise<Migration[]> {
  const isApplied = await applied;
  const understood: Migration[] = [];
  for (const [index, found] of migrations.entries()) {
    // A squash leaves the numbers free that it stands for, so that what follows keeps its own.
    const place = format === "native" ? Number(found.key) : index + 1;
    if (isApplied(found.source)) {
      understood.push(asApplied(found, place));
      continue;
    }
    const migration = await understand(found, place, format, tell);
    if (format === "native" && migration.statements.length === 0)
      throw new RehearsalError("SqlEmpty", { path: migration.path });
    understood.push(migration);
  }
  return understood;
}

function asApplied({ key, name, source }: FoundMigration, version: number): Migration {
  const { path, sha256, sql } = source;
  const plain = { transactional: true, idempotent: false, allowed: [], statements: [] };
  return { version, key, name, path, sha256, sql, ...plain };
}

/** A file that its format runs whenever it has changed; unlike a view's it may hold anything. */
function repeatable(files: readonly ProjectFile[], path: string, tell?: Tell): Promise<SqlFile> {
  return parseSqlFile(path, files.find((file) => file.path === path)?.bytes ?? new Uint8Array(), tell);
}

/** One after the other: the parser is one module with one memory. */
async function inTurn<F, T>(files: readonly F[], parse: (file: F) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const file of files) results.push(await parse(file));
  return results;
}
