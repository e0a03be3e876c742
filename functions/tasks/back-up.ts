/** Back up, outside a promotion: the environment as it is at one instant, into the bucket. */
import { manifestAmount, manifestDigest } from "../../core/backup-manifest.ts";
import { readBackup } from "../../io/ledger/backup-rows.ts";
import { insertBackup } from "../../io/ledger/backups.ts";
import { setTaskBackup } from "../../io/ledger/tasks.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { backupPrefix, manifestKey, readManifest, refuseUnusable } from "../backups.ts";
import { refuseFenced } from "../fenced.ts";
import { assertMeant } from "../meant-database.ts";
import { lockedUntil } from "../object-lock.ts";
import { openEnvironment, type TaskWork } from "../task.ts";

export const backUpTask: TaskWork<"back-up"> = async (context) => {
  const { task, ledger, store, application } = context;
  const { backup: id, base: baseId, retention } = task.input;
  const name = task.environment ?? "";
  await refuseFenced(ledger, name);
  const { environment, address } = await openEnvironment(ledger, name, application);
  await assertMeant(environment, address, application);
  const until = await lockedUntil(ledger, store, name, retention);
  const base = baseId === undefined ? undefined : await readBackup(ledger, baseId);
  if (base !== undefined) refuseUnusable(base);
  const began = performance.now();
  const manifest = await backUp({
    source: address,
    application,
    store: until.store,
    prefix: backupPrefix(name, id),
    connections: environment.policy.connections,
    pgDump: environment.policy.pgDump,
    onProgress: context.progress,
    ...(base !== undefined && { base: await readManifest(store, base) }),
  });
  const seconds = Math.round(performance.now() - began) / 1_000;
  const amount = manifestAmount(manifest);
  const objects = [...manifest.data, ...manifest.largeObjects, manifest.toc];
  const bytes = objects.reduce((sum, { size }) => sum + size, 0);
  const borrowed = objects.filter(({ key }) => !key.startsWith(backupPrefix(name, id)));
  await until.keepAsLong(borrowed.map(({ key }) => key));
  // One that borrows nothing stands by itself.
  const builtOn = borrowed.length > 0 ? base?.id : undefined;
  const newBytes = bytes - borrowed.reduce((sum, { size }) => sum + size, 0);
  return {
    outcome: {
      ...{ backup: id, base: builtOn ?? null, objects: objects.length, rows: amount.rows },
      ...{ bytes, newBytes, rawBytes: amount.bytes },
    },
    also: async (ledger) => {
      await insertBackup(ledger, {
        id,
        environment: name,
        task: task.id,
        manifestKey: manifestKey(name, id),
        manifestSha256: manifestDigest(manifest),
        bytes,
        rawBytes: amount.bytes,
        rows: amount.rows,
        seconds,
        takenAt: new Date(manifest.snapshot.takenAt),
        retention,
        retainUntil: until.date,
        ...(builtOn !== undefined && { base: builtOn }),
      });
      await setTaskBackup(ledger, task.id, id);
    },
  };
};
