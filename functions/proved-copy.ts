/** A database made from a backup by a task: beside the environment's own, closed to whom that is closed, and believed only when it holds the same. */
import type { BackupManifest } from "../core/backup-manifest.ts";
import { compareBaselines, describeBaselineDifference } from "../core/baseline.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError, toErrorRecord } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import type { BackupRow } from "../io/ledger/backup-rows.ts";
import { markBackup } from "../io/ledger/backups.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import {
  carryDatabaseProperties,
  closeToPublic,
  createDatabase,
  dropScratch,
  findDatabase,
  letOwnLoginIn,
  readDatabaseFacts,
  turnOwnLoginAway,
} from "../io/postgres/databases.ts";
import { restore } from "../io/postgres/restore.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { isDamage, readManifest } from "./backups.ts";
import { endSessionsOfOlder } from "./older-attempts.ts";
import { sessionsOf, type TaskEnvironment, type TaskRun } from "./task.ts";

export interface ProvedCopy {
  oid: number;
  name: string;
  /** That the restore took. */
  seconds: number;
  manifest: BackupManifest;
  /** Tablespaces of the backup that the server lacks: what lay in them lies in the database's own. */
  withoutTablespace: string[];
  /** True when nobody but its owner may connect: the environment's database is not there to tell who else may. */
  closed: boolean;
}

/** Makes the copy, named after `wanted`, with `tablespaces` for the backup's own; what earlier attempts have left of theirs goes first. Throws what the backup or the server has against it. */
export async function makeProvedCopy(
  context: TaskRun,
  backup: BackupRow,
  { environment, address }: TaskEnvironment,
  maintenance: Session,
  wanted: string,
  tablespaces?: Readonly<Record<string, string>>,
): Promise<ProvedCopy> {
  const { task, attempt, application, store } = context;
  await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
  await dropScratch(maintenance, task.id, []);
  const manifest = await readManifest(store, backup);
  const name = databaseName(wanted, "scratch", `${task.id}_${attempt.attempt}`);
  const own = await findDatabase(maintenance, { name: address.database });
  const tablespace = own && (await readDatabaseFacts(maintenance, own.oid)).tablespace;
  const facts = { ...manifest.database, ...(tablespace && { tablespace }) };
  const oid = await context.asNewest(() => createDatabase(maintenance, name, facts));
  context.passed("created");
  // Before the first row: whoever may not enter the one may not enter the other.
  if (own !== undefined) await carryDatabaseProperties(maintenance, own.oid, name);
  else await closeToPublic(maintenance, name);
  const letIn = await letOwnLoginIn(maintenance, name);
  const target = { ...address, database: name };
  const started = performance.now();
  const { withoutTablespace } = await restore({
    ...{ target, application, store, manifest },
    ...(tablespaces !== undefined && { tablespaces }),
    connections: environment.policy.connections,
    onProgress: context.progress,
  });
  const seconds = secondsSince(started);
  context.passed("restored");
  await refuseDifference(context, target, manifest);
  if (letIn) await turnOwnLoginAway(maintenance, name);
  return { oid, name, seconds, manifest, withoutTablespace, closed: own === undefined };
}

/** Since an instant of `performance.now()`, to the millisecond. */
export function secondsSince(started: number): number {
  return Math.round(performance.now() - started) / 1_000;
}

/** Runs what reads a backup; when that finds it damaged, the backup is refused for everybody after. */
export async function refusingDamage<T>(
  { task, ledger, asNewest }: TaskRun,
  backup: BackupRow,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDamage(error))
      await asNewest(() =>
        markBackup(ledger, backup.id, "refused", { error: toErrorRecord(error), task: task.id }),
      );
    throw error;
  }
}

async function refuseDifference(
  { application, progress }: TaskRun,
  target: DatabaseAddress,
  manifest: BackupManifest,
): Promise<void> {
  const copy = await openSession(target, { application });
  try {
    const held = await readBaseline(copy, { onProgress: progress });
    const differences = compareBaselines(manifest.baseline, held).map(describeBaselineDifference);
    if (differences.length > 0)
      throw new RehearsalError("CopyDiffers", { differences: differences.slice(0, 5).join("; ") });
  } finally {
    await copy.close();
  }
}
