/** Fence: services stop, the database turns every session away, and the copy is brought up to this very instant. */
import { type BackupManifest, manifestDigest } from "../../core/backup-manifest.ts";
import { type Baseline, compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Expectations } from "../../core/expectations.ts";
import { databaseName } from "../../core/names.ts";
import { fingerprint } from "../../core/shape.ts";
import { callHook } from "../../io/hooks.ts";
import { insertBackup, markBackup } from "../../io/ledger/backups.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { bringUp } from "../../io/postgres/bring-up.ts";
import { findDatabase, moveDatabase } from "../../io/postgres/databases.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readArtifact, writeArtifact } from "../artifacts.ts";
import { readManifest } from "../backups.ts";
import { readExpectations } from "../expectations.ts";
import { neededFact } from "../facts.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { asNewest, endOlderAttempts } from "../older-attempts.ts";
import { giveUpCopy } from "../pristine.ts";
import { type StepContext, step } from "../step.ts";
import { recordStorage } from "../storage.ts";
import { type CopyWriters, countersAtRest, type RestoredCopy, restoreCopy } from "./restore.ts";

/** What production held when the last writer was gone. */
export interface FencedContent {
  format: "rehearsal-fenced/2";
  baseline: Baseline;
  /** The same, of the columns that the migration keeps, for the tables whose rows the rehearsal left alone. */
  kept: Baseline;
}

export const handler = step("fence", async (context) => {
  const { promotion, environment } = context;
  const production = neededFact(promotion, "production");
  await callHook("stop", promotion.policy.hooks.stop, {
    promotion: promotion.id,
    environment: environment.name,
    release: promotion.release,
  });
  context.passed("stopped");
  const name = databaseName(production.name, "fenced", promotion.id);
  const maintenance = await context.openMaintenance();
  try {
    await endOlderAttempts(context, maintenance);
    // Under another name nobody finds it, however often they ask; ours do, by its object identifier.
    await asNewest(context, () => moveDatabase(maintenance, production.oid, name));
    context.passed("closed");
    const expectations = await readExpectations(context.store, neededFact(promotion, "rehearsal"));
    await refuseDrift(context);
    const backup = await backUpFenced(context);
    const content = await readFenced(context, expectations, backup.manifest.baseline);
    const { key } = await writeArtifact(context.store, `${context.prefix}fenced.json`, content);
    // Once more: what the services stored since the backup is theirs, and stays.
    const stored = await recordStorage(context, `backups/${environment.name}/${backup.id}/`);
    const copy = await bringUpCopy(context, maintenance, backup);
    const { id, bytes, rows } = backup;
    return {
      // Their number only: the names of ten thousand tables are more than a state may hand on.
      outcome: { database: name, refreshed: copy.changed, backup: id, bytes, ...stored.outcome },
      facts: {
        ...stored.facts,
        fenced: { contentKey: key, backup: { id, key: backup.key, sha256: backup.sha256 } },
        pristine: copy.pristine,
        copying: null,
      },
      also: async (ledger) => {
        await insertBackup(ledger, {
          ...{ id, environment: environment.name, promotion: promotion.id },
          ...{ manifestKey: backup.key, manifestSha256: backup.sha256, bytes, rows },
          base: neededFact(promotion, "backup").id,
        });
        // The copy holds, row by row, what the manifest says.
        if (promotion.policy.rollback === "swap") await markBackup(ledger, id, "verified");
      },
    };
  } finally {
    await maintenance.close();
  }
});

async function refuseDrift(context: StepContext): Promise<void> {
  const session = await context.openProduction({ readOnly: true });
  try {
    if (
      fingerprint(await readGuardedShape(session, context.promotion.policy)) !==
      context.promotion.facts.fingerprint
    )
      throw new RehearsalError("DriftFound", {
        environment: context.environment.name,
        differences: "it changed since the rehearsal",
      });
  } finally {
    await session.close();
  }
}

/** What changed since the backup goes to the bucket first: should the copy be lost, these writes are not. */
async function backUpFenced(context: StepContext) {
  const { promotion, attempt, environment, store } = context;
  const base = await readManifest(store, neededFact(promotion, "backup"));
  const id = `${promotion.id}-fence-${attempt.attempt}`;
  const session = await context.openProduction();
  const source = session.address;
  await session.close();
  const manifest = await backUp({
    ...{ source, application: context.application, store, base, sameStructure: true },
    prefix: `backups/${environment.name}/${id}/`,
    connections: promotion.policy.connections,
    onProgress: context.progress,
  });
  context.passed("saved");
  const own = manifest.data.filter(({ key }) => key.startsWith(`backups/${environment.name}/${id}/`));
  return {
    ...{ id, manifest, sha256: manifestDigest(manifest) },
    key: `backups/${environment.name}/${id}/manifest.json`,
    bytes: own.reduce((sum, { size }) => sum + size, 0),
    rows: manifest.data.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** Tables of which the migration keeps every column need not be read again. */
async function readFenced(
  context: StepContext,
  { kept, unchanged }: Expectations,
  baseline: Baseline,
): Promise<FencedContent> {
  const whole = (name: string) => {
    const columns = baseline.tables[name]?.columns;
    return columns !== undefined && JSON.stringify(columns) === JSON.stringify(kept[name]);
  };
  const session = await context.openProduction({ readOnly: true });
  try {
    const part = await readBaseline(session, {
      columns: kept,
      tables: unchanged.filter((name) => !whole(name)),
      onProgress: context.progress,
    });
    const known = unchanged.filter(whole).map((name) => [name, baseline.tables[name]]);
    return {
      format: "rehearsal-fenced/2",
      baseline,
      kept: { ...part, tables: { ...part.tables, ...Object.fromEntries(known) } },
    };
  } finally {
    await session.close();
  }
}

/**
 * The pristine copy holds what production holds now. Nobody wrote to it since it was proved: its counters say so, and else it is
 * read again. One that is gone, or holds neither what it should nor what it was, is made anew from the backup of this moment.
 */
async function bringUpCopy(
  context: StepContext,
  maintenance: Session,
  backup: { id: string; key: string; sha256: string; manifest: BackupManifest },
): Promise<{ changed: number; pristine: RestoredCopy }> {
  const { promotion, application, store } = context;
  const { manifest: now } = backup;
  const pristine = neededFact(promotion, "pristine");
  if (promotion.policy.rollback === "restore") {
    // A rehearsal that died at its very end may have left it.
    await giveUpCopy(context);
    return { changed: 0, pristine };
  }
  const earlier = neededFact(promotion, "backup");
  const makeAnew = async () => ({
    changed: now.tables.length,
    pristine: (await restoreCopy(context, `${promotion.id}_f${context.attempt.attempt}`, backup)).copy,
  });
  if ((await findDatabase(maintenance, { oid: pristine.oid })) === undefined) return makeAnew();
  const before = await readManifest(store, earlier);
  const target = { ...context.address, database: pristine.name };
  const untouched = (await countersAtRest(context, maintenance, pristine)) === pristine.counters;
  const held = untouched ? before.baseline : await readContent(context, target);
  const holds = (baseline: Baseline) => compareBaselines(baseline, held).length === 0;
  let changed = 0;
  if (!holds(now.baseline)) {
    const known = await readArtifact<CopyWriters>(store, pristine.writersKey, "rehearsal-writers/1");
    if (!holds(before.baseline) || known.manifest !== earlier.sha256) return makeAnew();
    const source = {
      ...context.address,
      database: databaseName(neededFact(promotion, "production").name, "fenced", promotion.id),
    };
    const tables = await bringUp({
      ...{ source, target, application, store, before, writers: known.writers, now },
      onProgress: context.progress,
    });
    changed = tables.length;
    context.passed("refreshed");
  }
  return {
    changed,
    pristine: { ...pristine, counters: await countersAtRest(context, maintenance, pristine) },
  };
}

async function readContent(context: StepContext, address: DatabaseAddress): Promise<Baseline> {
  const session = await openSession(address, { application: context.application, readOnly: true });
  try {
    return await readBaseline(session, { onProgress: context.progress });
  } finally {
    await session.close();
  }
}
