/** Restore: the backup is believed only when a database made from it has the same shape and holds the same. */
import { compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import type { Writers } from "../../core/changed-tables.ts";
import { RehearsalError } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { describeDifference, diffShapes } from "../../core/shape.ts";
import { markBackup } from "../../io/ledger/backups.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { readServer } from "../../io/postgres/backup-facts.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { findDatabase } from "../../io/postgres/databases.ts";
import { endSessionsOf } from "../../io/postgres/end-sessions.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readWriteCounters } from "../../io/postgres/write-counters.ts";
import { writeArtifact } from "../artifacts.ts";
import { readManifest } from "../backups.ts";
import { neededFact } from "../facts.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { asNewest, sessionsOf } from "../older-attempts.ts";
import { makeProvedCopy } from "../proved-copy.ts";
import { readKeptShape } from "../shapes.ts";
import { type StepContext, step } from "../step.ts";

export const handler = step("restore", async (context) => {
  const { promotion, attempt } = context;
  const backup = neededFact(promotion, "backup");
  const { copy: pristine, seconds } = await restoreCopy(
    context,
    `${promotion.id}_${attempt.attempt}`,
    backup,
  );
  return {
    outcome: { database: pristine.name, backup: backup.id },
    facts: { pristine, copying: null },
    also: (ledger) => markBackup(ledger, backup.id, "verified", { by: "restore", restoreSeconds: seconds }),
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

/**
 * Makes a database from a backup of the promotion and proves it equal; a refused backup is marked so. The ledger is to forget what it
 * knows of a half-made copy when it is told of this one.
 */
export async function restoreCopy(
  context: StepContext,
  id: string,
  backup: { id: string; key: string; sha256: string },
): Promise<{ copy: RestoredCopy; seconds: number }> {
  const { promotion, attempt, ledger, store, application, address, passed, progress, kept } = context;
  const production = neededFact(promotion, "production");
  const manifest = await readManifest(store, backup);
  const maintenance = await context.openMaintenance();
  try {
    const made = await makeProvedCopy({
      ...{ store, application, address, passed, progress, kept },
      ...{ id: promotion.id, sessions: sessionsOf(attempt), attempt: attempt.attempt },
      ...{ maintenance, manifest, digest: backup.sha256, connections: promotion.policy.connections },
      name: databaseName(production.name, "pristine", id),
      original: (await findDatabase(maintenance, { oid: production.oid }))?.oid,
      besides: [production.oid],
      left: promotion.facts.copying,
      note: (copying) => updatePromotion(ledger, promotion.id, { facts: { copying } }),
      keepWriters: async (writers, anew) => {
        const known: CopyWriters = { format: "rehearsal-writers/1", manifest: backup.sha256, writers };
        return (await writeArtifact(store, `${context.prefix}writers${anew ? "-anew" : ""}.json`, known)).key;
      },
      prove: (copy) => findDifferences(context, copy, manifest.baseline),
      asNewest: (work) => asNewest(context, work),
    });
    const { oid, name, seconds, writersKey } = made;
    if (writersKey === undefined) throw new Error(`nobody kept who wrote the rows of ${name}`);
    const counters = await countersAtRest(context, maintenance, { oid, name });
    return { copy: { oid, name, writersKey, counters }, seconds };
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "CopyDiffers")
      await markBackup(ledger, backup.id, "refused");
    throw error;
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

async function findDifferences(
  context: StepContext,
  copy: Session,
  expected: Parameters<typeof compareBaselines>[0],
): Promise<string[]> {
  const promised = await readKeptShape(context.store, neededFact(context.promotion, "fingerprint"));
  const shape = diffShapes(promised, await readGuardedShape(copy, context.promotion.policy));
  const content = compareBaselines(expected, await readBaseline(copy, { onProgress: context.progress }));
  return [...shape.map(describeDifference), ...content.map(describeBaselineDifference)];
}
