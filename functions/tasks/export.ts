/** Export: a backup as an archive that pg_restore reads, written into the bucket for whoever asked to fetch it there. */
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { exportBackup } from "../../io/backup-export.ts";
import { readBackup } from "../../io/ledger/backup-rows.ts";
import { tellOfBackup } from "../../io/ledger/backups.ts";
import { readManifest, refuseGone } from "../backups.ts";
import { type ExportedFile, exportKey, exportPrefix, writeListing } from "../exports.ts";
import type { TaskContext, TaskWork } from "../task.ts";
import { refusingDamage } from "../task-copy.ts";

export const exportTask: TaskWork<"export"> = async (context) => {
  const { task, attempt, ledger, store } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  refuseGone(backup);
  // What an earlier attempt has left would lie there until the export expires.
  await store.erase(exportPrefix(task.id));
  const files = await refusingDamage(context, backup, async () =>
    writeFiles(context, await readManifest(store, backup), backup.id),
  );
  context.passed("written");
  await writeListing(store, task.id, attempt.attempt, { backup: backup.id, files });
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const { format } = task.input;
  return {
    outcome: { backup: backup.id, format, files: files.length, bytes },
    also: (ledger) =>
      tellOfBackup(ledger, "exported", backup, { task: task.id, format, bytes, by: task.requestedBy }),
  };
};

/** One object per file, each from the stream as it comes. */
async function writeFiles(
  { task, attempt, store, progress }: TaskContext<"export">,
  manifest: BackupManifest,
  backup: string,
): Promise<ExportedFile[]> {
  const { format } = task.input;
  const pieces = exportBackup({ store, manifest, format })[Symbol.asyncIterator]();
  const files: ExportedFile[] = [];
  const written = new Set<string>();
  let done = 0;
  try {
    let piece = await pieces.next();
    while (!piece.done) {
      const name = piece.value.path ?? `${backup}.dump`;
      if (written.has(name)) throw new Error(`the export comes back to the file ${name}`);
      written.add(name);
      async function* file() {
        for (; !piece.done && (piece.value.path ?? `${backup}.dump`) === name; piece = await pieces.next()) {
          done += piece.value.bytes.length;
          progress({ done: { bytes: done, rows: 0 }, now: name });
          yield piece.value.bytes;
        }
      }
      const { size, sha256 } = await store.putStream(exportKey(task.id, attempt.attempt, name), file());
      files.push({ name, size, sha256 });
    }
  } finally {
    await pieces.return?.(undefined);
  }
  return files.sort((one, other) => (one.name < other.name ? -1 : 1));
}
