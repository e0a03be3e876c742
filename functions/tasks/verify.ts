/** Verify: every object of a backup is read and counted; or a database is made of it, compared with the baseline, and dropped. */
import { type BackupManifest, manifestAmount } from "../../core/backup-manifest.ts";
import { proveObjects } from "../../io/backup-proof.ts";
import { type BackupRow, readBackup } from "../../io/ledger/backup-rows.ts";
import { markBackup, type Proof } from "../../io/ledger/backups.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { dropScratch } from "../../io/postgres/databases.ts";
import { readManifest, refuseGone } from "../backups.ts";
import { openCopies, type TaskContext, type TaskWork } from "../task.ts";
import { makeTaskCopy, refusingDamage, secondsSince } from "../task-copy.ts";

export const verifyTask: TaskWork<"verify"> = async (context) => {
  const { task, ledger } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  refuseGone(backup);
  const started = performance.now();
  const prove = task.input.restore ? proveByRestore : proveByReading;
  const { manifest, proof } = await refusingDamage(context, backup, () => prove(context, backup));
  const amount = manifestAmount(manifest);
  return {
    outcome: {
      ...{
        backup: backup.id,
        by: proof.by,
        objects: manifest.data.length + manifest.largeObjects.length + 1,
      },
      ...{ rows: amount.rows, rawBytes: amount.bytes, seconds: secondsSince(started) },
      ...(proof.restoreSeconds !== undefined && { restoreSeconds: proof.restoreSeconds }),
    },
    also: (ledger) => markBackup(ledger, backup.id, "verified", { ...proof, task: task.id }),
  };
};

interface Proved {
  manifest: BackupManifest;
  proof: Proof;
}

async function proveByReading(
  { ledger, store, progress }: TaskContext<"verify">,
  backup: BackupRow,
): Promise<Proved> {
  const { policy } = await readEnvironment(ledger, backup.environment);
  const manifest = await readManifest(store, backup);
  await proveObjects(store, manifest, { readers: policy.connections, onProgress: progress });
  return { manifest, proof: { by: "objects" } };
}

/** The copy of an attempt that fails is left to the next one, or goes when the task is closed. */
async function proveByRestore(context: TaskContext<"verify">, backup: BackupRow): Promise<Proved> {
  const opened = await openCopies(context.ledger, backup.environment, context.application);
  const maintenance = await opened.openMaintenance();
  try {
    const wanted = opened.address.database;
    const { manifest, seconds } = await makeTaskCopy(context, backup, opened, maintenance, wanted);
    // It has told what it was made for: what cannot be dropped now the sweep drops.
    await dropScratch(maintenance, context.task.id, []).catch(() => undefined);
    return { manifest, proof: { by: "restore", restoreSeconds: seconds } };
  } finally {
    await maintenance.close();
  }
}
