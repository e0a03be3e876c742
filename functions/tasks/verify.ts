/** Verify: every object of a backup is read and counted; or a database is made of it, compared with the baseline, and dropped. */
import { type BackupManifest, manifestAmount } from "../../core/backup-manifest.ts";
import { toErrorRecord } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { proveObjects } from "../../io/backup-proof.ts";
import { type BackupRow, markBackup, type Proof, readBackup } from "../../io/ledger/backups.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { createDatabase, dropScratch } from "../../io/postgres/databases.ts";
import { isDamage, readManifest, refuseGone } from "../backups.ts";
import { endSessionsOfOlder } from "../older-attempts.ts";
import { fillCopy, refuseDifferentCopy } from "../restored-copy.ts";
import { openEnvironment, sessionsOf, type TaskContext, type TaskWork } from "../task.ts";

export const verifyTask: TaskWork<"verify"> = async (context) => {
  const { task, ledger, store } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  refuseGone(backup);
  const started = performance.now();
  let manifest: BackupManifest;
  let proof: Proof;
  try {
    manifest = await readManifest(store, backup);
    if (task.input.restore)
      proof = { by: "restore", restoreSeconds: await proveByRestore(context, backup, manifest) };
    else {
      const { policy } = await readEnvironment(ledger, backup.environment);
      await proveObjects(store, manifest, { readers: policy.connections, onProgress: context.progress });
      proof = { by: "objects" };
    }
  } catch (error) {
    if (isDamage(error))
      await context.asNewest(() => markBackup(ledger, backup.id, "refused", { error: toErrorRecord(error) }));
    throw error;
  }
  const amount = manifestAmount(manifest);
  return {
    outcome: {
      ...{
        backup: backup.id,
        by: proof.by,
        objects: manifest.data.length + manifest.largeObjects.length + 1,
      },
      ...{ rows: amount.rows, rawBytes: amount.bytes, seconds: (performance.now() - started) / 1_000 },
      ...(proof.restoreSeconds !== undefined && { restoreSeconds: proof.restoreSeconds }),
    },
    also: (ledger) => markBackup(ledger, backup.id, "verified", proof),
  };
};

/** Makes a database of the backup, compares it, and drops it in every case; returns the seconds the restore took. */
async function proveByRestore(
  context: TaskContext<"verify">,
  backup: BackupRow,
  manifest: BackupManifest,
): Promise<number> {
  const { task, attempt, application } = context;
  const { environment, address, openMaintenance } = await openEnvironment(
    context.ledger,
    backup.environment,
    application,
  );
  const name = databaseName(manifest.database.name, "scratch", `${task.id}_${attempt.attempt}`);
  const maintenance = await openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
    await dropScratch(maintenance, task.id, []);
    await context.asNewest(() => createDatabase(maintenance, name, manifest.database));
    context.passed("created");
    const copy = {
      target: { ...address, database: name },
      application,
      store: context.store,
      manifest,
      connections: environment.policy.connections,
      onProgress: context.progress,
    };
    const seconds = await fillCopy(copy);
    context.passed("restored");
    await refuseDifferentCopy(copy);
    return seconds;
  } finally {
    // What cannot be dropped now is dropped by the next attempt, or when the task is closed.
    await dropScratch(maintenance, task.id, []).finally(() => maintenance.close());
  }
}
