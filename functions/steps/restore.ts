/** Restore: the backup is believed only when a database made from it has the same shape and holds the same. */
import { compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import type { Writers } from "../../core/changed-tables.ts";
import { RehearsalError } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { describeDifference, diffShapes } from "../../core/shape.ts";
import { markBackup } from "../../io/ledger/backups.ts";
import { readServer } from "../../io/postgres/backup-facts.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { carryDatabaseProperties, createDatabaseLike, letOwnLoginIn } from "../../io/postgres/databases.ts";
import { endSessionsOf } from "../../io/postgres/end-sessions.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readWriteCounters } from "../../io/postgres/write-counters.ts";
import { writeArtifact } from "../artifacts.ts";
import { readManifest } from "../backups.ts";
import { neededFact } from "../facts.ts";
import { asNewest } from "../older-attempts.ts";
import { readGuardedShape, readKeptShape } from "../shapes.ts";
import { type StepContext, step } from "../step.ts";

export const handler = step("restore", async (context) => {
  const { promotion, attempt } = context;
  const backup = neededFact(promotion, "backup");
  const began = performance.now();
  const pristine = await restoreCopy(context, `${promotion.id}_${attempt.attempt}`, backup);
  const restoreSeconds = (performance.now() - began) / 1000;
  return {
    outcome: { database: pristine.name, backup: backup.id },
    facts: { pristine },
    also: (ledger) => markBackup(ledger, backup.id, "verified", { by: "restore", restoreSeconds }),
  };
});

export interface RestoredCopy {
  oid: number;
  name: string;
  writersKey: string;
  counters: string;
}

/** Who wrote the copy's rows, by object: what bringing it up to a later backup goes by. */
export interface CopyWriters {
  format: "rehearsal-writers/1";
  /** Of the manifest that was restored. */
  manifest: string;
  writers: Writers;
}

/** Makes a database from a backup of the promotion and proves it equal; a refused backup is marked so. */
export async function restoreCopy(
  context: StepContext,
  id: string,
  backup: { id: string; key: string; sha256: string },
): Promise<RestoredCopy> {
  const { promotion } = context;
  const production = neededFact(promotion, "production");
  const manifest = await readManifest(context.store, backup);
  const name = databaseName(production.name, "pristine", id);
  const maintenance = await context.openMaintenance();
  try {
    // Nobody would drop one that is made when the promotion has ended.
    const oid = await asNewest(context, () => createDatabaseLike(maintenance, production.oid, name));
    context.passed("created");
    await carryDatabaseProperties(maintenance, production.oid, name);
    await letOwnLoginIn(maintenance, name);
    const { writers } = await restore({
      target: { ...context.address, database: name },
      application: context.application,
      store: context.store,
      manifest,
      connections: promotion.policy.connections,
      onProgress: context.progress,
    });
    context.passed("restored");
    const copy = await openSession(context.address, { application: context.application, database: name });
    try {
      await refuseDifference(context, copy, backup, manifest.baseline);
    } finally {
      await copy.close();
    }
    const { key } = await writeArtifact(context.store, `${context.prefix}writers.json`, {
      format: "rehearsal-writers/1",
      manifest: backup.sha256,
      writers,
    } satisfies CopyWriters);
    return {
      oid,
      name,
      writersKey: key,
      counters: await countersAtRest(context, maintenance, { oid, name }),
    };
  } finally {
    await maintenance.close();
  }
}

/** The copy's write counters, and since when the server counts, when all sessions have ended and reported; nobody but us knows of the copy. */
export async function countersAtRest(
  context: StepContext,
  maintenance: Session,
  { oid, name }: { oid: number; name: string },
): Promise<string> {
  await endSessionsOf(maintenance, oid);
  const session = await openSession(context.address, {
    ...{ application: context.application, database: name, readOnly: true },
  });
  try {
    const { runningSince } = await readServer(session);
    // A crash loses counts: none from before it is like one from after it.
    return `${runningSince} ${await readWriteCounters(session)}`;
  } finally {
    await session.close();
  }
}

async function refuseDifference(
  context: StepContext,
  copy: Session,
  backup: { id: string },
  expected: Parameters<typeof compareBaselines>[0],
): Promise<void> {
  const promised = await readKeptShape(context.store, neededFact(context.promotion, "fingerprint"));
  const shape = diffShapes(promised, await readGuardedShape(copy, context.promotion.policy)).map(
    describeDifference,
  );
  const content = compareBaselines(expected, await readBaseline(copy, { onProgress: context.progress })).map(
    describeBaselineDifference,
  );
  const differences = [...shape, ...content];
  if (differences.length === 0) return;
  await markBackup(context.ledger, backup.id, "refused");
  throw new RehearsalError("CopyDiffers", { differences: differences.slice(0, 5).join("; ") });
}
