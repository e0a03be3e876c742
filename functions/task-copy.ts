/** A copy that a task makes of a backup: beside the environment's database, and closed to whom that is closed. */
import type { BackupManifest } from "../core/backup-manifest.ts";
import { compareBaselines, describeBaselineDifference } from "../core/baseline.ts";
import { toErrorRecord } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import type { BackupRow } from "../io/ledger/backup-rows.ts";
import { markBackup } from "../io/ledger/backups.ts";
import { addTaskFacts, type Task } from "../io/ledger/tasks.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { findDatabase, turnOwnLoginAway } from "../io/postgres/databases.ts";
import type { Session } from "../io/postgres/session.ts";
import { isDamage, readManifest } from "./backups.ts";
import { makeProvedCopy, type ProvedCopy } from "./proved-copy.ts";
import { sessionsOf, type TaskEnvironment, type TaskRun } from "./task.ts";

export interface TaskCopy extends Omit<ProvedCopy, "letIn" | "writersKey"> {
  manifest: BackupManifest;
}

/** Makes the copy, named after `wanted`, with `tablespaces` for the backup's own. Throws as `makeProvedCopy` does. */
export async function makeTaskCopy(
  context: TaskRun & { task: Pick<Task, "facts"> },
  backup: BackupRow,
  { environment, address }: TaskEnvironment,
  maintenance: Session,
  wanted: string,
  tablespaces?: Readonly<Record<string, string>>,
): Promise<TaskCopy> {
  const { task, attempt, ledger, store, application, asNewest, passed, progress, kept } = context;
  const manifest = await readManifest(store, backup);
  const {
    letIn,
    writersKey: _,
    ...copy
  } = await makeProvedCopy({
    ...{ store, application, asNewest, passed, progress, kept },
    ...{ id: task.id, sessions: sessionsOf(task), attempt: attempt.attempt },
    ...{ address, maintenance, manifest, digest: backup.manifestSha256 },
    name: databaseName(wanted, "scratch", `${task.id}_${attempt.attempt}`),
    original: (await findDatabase(maintenance, { name: address.database }))?.oid,
    connections: environment.policy.connections,
    ...(tablespaces !== undefined && { tablespaces }),
    left: task.facts.copying,
    note: (copying) => addTaskFacts(ledger, task.id, { copying }),
    prove: async (session) =>
      compareBaselines(manifest.baseline, await readBaseline(session, { onProgress: progress })).map(
        describeBaselineDifference,
      ),
  });
  if (letIn) await turnOwnLoginAway(maintenance, copy.name);
  return { ...copy, manifest };
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
