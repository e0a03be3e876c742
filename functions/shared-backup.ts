/** The leader's side of a backup that several functions copy: what the ledger is told at its begin, and what is told and put away at its end. */
import { randomUUID } from "node:crypto";
import { type BackupManifest, parseManifest } from "../core/backup-manifest.ts";
import type { Json } from "../core/canonical-json.ts";
import { openLedger } from "../io/ledger/connection.ts";
import type { NewEvent } from "../io/ledger/events.ts";
import { recordedBackups } from "../io/ledger/owners.ts";
import {
  deleteShare,
  listEndedShares,
  listRuns,
  openShare,
  type SharedRun,
} from "../io/ledger/shared-backups.ts";
import type { Attempt } from "../io/ledger/steps.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { BackupOptions } from "../io/postgres/backup.ts";
import { endSessions } from "../io/postgres/end-sessions.ts";
import type { Session } from "../io/postgres/session.ts";
import { log } from "../io/telemetry/log.ts";
import type { StepContext } from "./step.ts";

export interface SharedBackup extends NonNullable<BackupOptions["share"]> {
  /** Once the manifest is written: removes what the dead left, and tells who copied how much and who failed. */
  end(manifest: BackupManifest): Promise<{ outcome: { shared: Json }; events: NewEvent[] }>;
  /** However it ended. */
  leave(): Promise<void>;
}

/** So long those who are asked to end are waited for: they ask once a second, and take back what does not count. */
const TO_LEAVE = 5_000;
const ASK_EVERY = 100;
/** So many failures stand in the outcome at most. */
const TOLD = 50;

/** Undefined where the policy has one function copy everything. */
export async function shareBackup(
  context: StepContext,
  { prefix, lockedUntil }: { prefix: string; lockedUntil: Date | undefined },
): Promise<SharedBackup | undefined> {
  const { promotion, attempt, store } = context;
  const { functions } = promotion.policy.backup;
  if (functions === 1) return undefined;
  // A session of its own, for units are taken while the step's may be in a transaction.
  const ledger = await openLedger(`${promotion.id} back-up shared`);
  const run = newRun();
  return {
    run,
    open: (orders) => openShare(ledger, attempt, { run, prefix, lockedUntil, orders }),
    end: async (manifest) => {
      const runs = await awaitWorkers(ledger, attempt);
      const workers = runs.filter(({ worker }) => worker > 0);
      const kept = keysOf(manifest);
      const unclear = workers.filter(({ ended }) => !ended);
      const failed = unclear
        .map(({ worker, error }) => ({ worker, code: error?.code ?? null }))
        .slice(0, TOLD);
      // Before what they wrote is removed, for who has no session writes no more.
      if (unclear.some(({ error }) => error === null)) await endWorkers(context);
      for (const { run: folder } of unclear) await removeStrays(store, `${prefix}${folder}/`, kept);
      const shared = {
        functions,
        joined: new Set(workers.map(({ worker }) => worker)).size,
        workers: byWorker(runs),
        failed,
      };
      if (failed.length > 0) log.warn("some that shared the backup did not end well", { failed });
      return {
        outcome: { shared },
        events: [{ type: "back-up.shared", data: { attempt: attempt.attempt, ...shared } }],
      };
    },
    leave: () => ledger.close(),
  };
}

/** What of each worker counts, however often it was called; 0 is the step itself. */
function byWorker(runs: readonly SharedRun[]) {
  const sum = (of: SharedRun[], what: "units" | "bytes" | "rows") =>
    of.reduce((total, run) => total + run[what], 0);
  return [...Map.groupBy(runs, ({ worker }) => worker)].map(([worker, of]) => ({
    ...{ worker, units: sum(of, "units"), bytes: sum(of, "bytes"), rows: sum(of, "rows") },
  }));
}

/** Everybody who took part, once all have ended or there is no use in waiting for the others. */
async function awaitWorkers(ledger: Session, { promotion, attempt }: Attempt): Promise<SharedRun[]> {
  const until = performance.now() + TO_LEAVE;
  for (;;) {
    const runs = await listRuns(ledger, promotion, attempt);
    const under = runs.some(({ worker, ended, error }) => worker > 0 && !ended && error === null);
    if (!under || performance.now() > until) return runs;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
  }
}

/** The dead may still hold locks on tables, for as long as the server does not know of their death. */
async function endWorkers({ openMaintenance, application }: StepContext): Promise<void> {
  const maintenance = await openMaintenance();
  try {
    await endSessions(maintenance, `${application} worker`);
  } finally {
    await maintenance.close();
  }
}

/** A run's name is also the folder that it writes to. */
export function newRun(): SharedRun["run"] {
  return randomUUID().slice(0, 8);
}

/** Every object that a backup stands on. */
export function keysOf({ toc, data, largeObjects }: BackupManifest): ReadonlySet<string> {
  return new Set([toc, ...data, ...largeObjects].map(({ key }) => key));
}

/** Removes what is below the folder and not in the manifest. Whoever is still writing there removes it by himself. */
export async function removeStrays(
  store: ObjectStore,
  folder: string,
  kept: ReadonlySet<string>,
): Promise<string[]> {
  const strays: string[] = [];
  for await (const { key } of store.list(folder)) if (!kept.has(key)) strays.push(key);
  for (const key of strays) await store.remove(key);
  return strays;
}

/** Of a promotion that has ended nobody copies any more: what a worker left that did not say that it had put everything away goes. */
export async function sweepShares(
  ledger: Session,
  store: ObjectStore,
  strays: string[],
  attempt: (work: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const shares = await listEndedShares(ledger);
  const recorded = await recordedBackups(
    ledger,
    shares.map(({ promotion, attempt }) => `${promotion}-${attempt}`),
  );
  for (const share of shares)
    await attempt(async () => {
      // What is not recorded as a backup is swept as a whole.
      if (share.folders.length > 0 && recorded.has(`${share.promotion}-${share.attempt}`)) {
        const manifest = parseManifest(await store.get(`${share.prefix}manifest.json`));
        for (const folder of share.folders)
          strays.push(...(await removeStrays(store, folder, keysOf(manifest))));
      }
      await deleteShare(ledger, share);
    });
}
