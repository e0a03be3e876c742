/** Back up: production as it is at one instant, into the bucket; its manifest is written last and is the backup. */

import { type BackupManifest, manifestDigest } from "../../core/backup-manifest.ts";
import { insertBackup } from "../../io/ledger/backups.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { captureConfiguration } from "../configuration.ts";
import { lockedUntil } from "../object-lock.ts";
import { type SharedBackup, shareBackup } from "../shared-backup.ts";
import { step } from "../step.ts";
import { recordStorage } from "../storage.ts";

export const handler = step("back-up", async (context) => {
  const { promotion, attempt, environment } = context;
  const id = `${promotion.id}-${attempt.attempt}`;
  const prefix = `backups/${environment.name}/${id}/`;
  const captured = await captureConfiguration(context.store, promotion.policy, { id, prefix });
  const session = await context.openProduction();
  const source = session.address;
  await session.close();
  // Nobody goes back to what was rehearsed alone: its backup is kept while it runs, and as long as it is the newest verified one.
  const kept = promotion.rehearseOnly
    ? { date: new Date(), store: context.store }
    : await lockedUntil(context.ledger, context.store, environment.name, "promotion");
  const began = performance.now();
  let shared: SharedBackup | undefined;
  let manifest: BackupManifest;
  let ending: Awaited<ReturnType<SharedBackup["end"]>> | undefined;
  try {
    shared = await shareBackup(context, {
      ...{ prefix, lockedUntil: promotion.rehearseOnly ? undefined : kept.date },
    });
    manifest = await backUp({
      source,
      application: context.application,
      store: kept.store,
      prefix,
      connections: promotion.policy.connections,
      pgDump: promotion.policy.pgDump,
      onProgress: context.progress,
      onPoint: context.passed,
      share: shared,
    });
    ending = await shared?.end(manifest);
  } finally {
    await shared?.leave();
  }
  const seconds = Math.round(performance.now() - began) / 1_000;
  const stored = await recordStorage(context, prefix);
  const key = `${prefix}manifest.json`;
  const sha256 = manifestDigest(manifest);
  const bytes = manifest.data.reduce((sum, object) => sum + object.size, 0);
  const rows = manifest.data.reduce((sum, object) => sum + object.rows, 0);
  return {
    outcome: {
      id,
      objects: manifest.data.length,
      bytes,
      rows,
      ...ending?.outcome,
      ...stored.outcome,
      ...captured.outcome,
    },
    facts: { backup: { id, key, sha256 }, ...stored.facts },
    events: [...captured.events, ...(ending?.events ?? [])],
    also: (ledger) =>
      insertBackup(ledger, {
        id,
        environment: environment.name,
        promotion: promotion.id,
        manifestKey: key,
        manifestSha256: sha256,
        bytes,
        rows,
        seconds,
        retainUntil: kept.date,
      }),
  };
});
