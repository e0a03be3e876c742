/** Expire: the objects of backups whose time is over go, newest first; rows and log stay. Exports go after a day, reports after thirty. */
import { RehearsalError } from "../../core/errors.ts";
import { type BackupRow, listUnexpired } from "../../io/ledger/backup-rows.ts";
import { finishExpiry, withdrawExpiry } from "../../io/ledger/backups.ts";
import { addTaskFacts, listStaleExports } from "../../io/ledger/tasks.ts";
import { backupPrefix } from "../backups.ts";
import { markExpiring, readBuiltOn } from "../expiry.ts";
import { EXPORT_SECONDS, exportPrefix } from "../exports.ts";
import type { TaskContext, TaskWork } from "../task.ts";

/** Ids that an outcome names; more would not travel. */
const NAMED = 500;

export const expireTask: TaskWork<"expire"> = async (context) => {
  const { task, ledger, store } = context;
  const builtOn = await readBuiltOn(store, await listUnexpired(ledger, task.environment));
  const going = await context.asNewest(() => markExpiring(ledger, task.environment, builtOn));
  context.passed("marked");
  const removed = { bytes: 0, objects: 0 };
  const expired: string[] = [];
  const locked: { id: string; reason: string }[] = [];
  for (const backup of going) {
    context.progress({ done: { bytes: removed.bytes, rows: 0 }, now: backup.id });
    const gone = await remove(context, backup);
    if ("reason" in gone) locked.push({ id: backup.id, reason: gone.reason });
    else {
      expired.push(backup.id);
      removed.bytes += gone.bytes;
      removed.objects += gone.objects;
    }
  }
  const exports = await removeExports(context);
  if (locked.length > 0)
    throw new RehearsalError("BackupLocked", {
      backups: locked.map(({ id }) => id).join(", "),
      reason: locked[0]?.reason ?? "",
    });
  return { outcome: { backups: expired.slice(0, NAMED), expired: expired.length, ...removed, exports } };
};

/** The manifest goes first: where Object Lock keeps it, nothing was removed, and the backup is as good as before. */
async function remove(
  { task, ledger, store, asNewest, passed }: TaskContext<"expire">,
  { id, environment }: BackupRow,
): Promise<{ bytes: number; objects: number } | { reason: string }> {
  const prefix = backupPrefix(environment, id);
  try {
    const manifest = await store.erase(`${prefix}manifest.json`);
    passed("begun-to-remove");
    const rest = await store.erase(prefix);
    const all = { bytes: manifest.bytes + rest.bytes, objects: manifest.objects + rest.objects };
    await asNewest(() => finishExpiry(ledger, id, { ...all, task: task.id }));
    return all;
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code !== "ObjectForbidden") throw error;
    const whole = await store.head(`${prefix}manifest.json`).then(
      () => true,
      () => false,
    );
    if (whole) await asNewest(() => withdrawExpiry(ledger, id));
    return { reason: error.message };
  }
}

async function removeExports({ ledger, store, asNewest }: TaskContext<"expire">): Promise<number> {
  const stale = await listStaleExports(ledger, EXPORT_SECONDS);
  for (const { id } of stale) {
    await store.erase(exportPrefix(id));
    await asNewest(() => addTaskFacts(ledger, id, { removedAt: new Date().toISOString() }));
  }
  return stale.length;
}
