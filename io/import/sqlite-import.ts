/** An import from SQLite from its file to its report: copied, looked through, met with the schema, brought over. */
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { SqliteMapping } from "../../core/import/sqlite-mapping.ts";
import { planSqlite, type SqlitePlan } from "../../core/import/sqlite-plan.ts";
import { openCopySession } from "../postgres/copy.ts";
import { readTargets, type Target } from "../postgres/import-targets.ts";
import { openSession } from "../postgres/session.ts";
import { ensureLife } from "../postgres/target-schema.ts";
import { openSqlite, type SqliteDatabase } from "./sqlite.ts";
import { copySqlite, type SqliteSource } from "./sqlite-copy.ts";
import { loadSqlite, type SqliteLoad, type SqliteLoaded } from "./sqlite-load.ts";

interface SqliteImport extends Pick<SqliteLoad, "id" | "onProgress" | "commit" | "passed" | "dryRun"> {
  source: SqliteSource;
  mapping: SqliteMapping;
  address: DatabaseAddress;
  /** How its sessions are called. */
  application: string;
  /** Which attempt of the same import this is, from 1. */
  attempt: number;
  patienceSeconds?: number;
}

interface SqliteImported extends SqliteLoaded {
  plan: SqlitePlan;
  file: { name: string; bytes: number };
  views: string[];
}

/**
 * Brings everything over or nothing; what was refused is in the result. Throws `ImportMappingUnfit` where a table or column has
 * no place, and what `copySqlite` and `openSqlite` throw.
 */
export async function importSqlite(options: SqliteImport): Promise<SqliteImported> {
  const { source, id, attempt, onProgress } = options;
  const folder = (of: number) => join(tmpdir(), `rehearsal-sqlite-${id}-${attempt - of}`);
  // What an attempt that died has left takes the room that this one needs.
  for (let older = 1; older < attempt; older++) await rm(folder(older), { recursive: true, force: true });
  await rm(folder(0), { recursive: true, force: true });
  await mkdir(folder(0), { recursive: true, mode: 0o700 });
  try {
    const { path, bytes } = await copySqlite(source, folder(0), onProgress);
    const database = await openSqlite(path, source.name);
    try {
      const loaded = await bringOver(options, database);
      return { ...loaded, file: { name: source.name, bytes }, views: database.views };
    } finally {
      database.close();
    }
  } finally {
    await rm(folder(0), { recursive: true, force: true });
  }
}

async function bringOver(
  { mapping, address, application, patienceSeconds, ...load }: SqliteImport,
  database: SqliteDatabase,
): Promise<SqliteLoaded & { plan: SqlitePlan }> {
  const targets = await findTargets(address, application, patienceSeconds);
  const plan = planSqlite(mapping, database.tables, targets);
  if (plan.problems.length > 0)
    throw new RehearsalError("ImportMappingUnfit", {
      import: mapping.name,
      problems: plan.problems.slice(0, 20).join("; "),
    });
  const copy = await openCopySession(address, { application });
  try {
    return { plan, ...(await loadSqlite({ ...load, database, plan, targets, copy })) };
  } finally {
    await copy.close();
  }
}

async function findTargets(
  address: DatabaseAddress,
  application: string,
  patienceSeconds?: number,
): Promise<Target[]> {
  const session = await openSession(address, {
    application,
    ...(patienceSeconds !== undefined && { patienceSeconds }),
  });
  try {
    await ensureLife(session);
    return await readTargets(session);
  } finally {
    await session.close();
  }
}
