/**
 * Roll back: chosen by what happened. Nothing committed: nothing to do, and refuse ends the promotion. Else production
 * and the pristine copy change names, after proof that no write is lost. Every part finds out from the catalog what is
 * left to do, so a rollback that died goes on where it stopped.
 */
import { compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { callHook } from "../../io/hooks.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import type { NewEvent } from "../../io/ledger/events.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { assertNewest, listSteps } from "../../io/ledger/steps.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import {
  carryDatabaseProperties,
  dropScratch,
  findDatabase,
  moveDatabase,
  reopenClosed,
  setReadOnly,
} from "../../io/postgres/databases.ts";
import { endSessions } from "../../io/postgres/end-sessions.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { hasLeftSomething, takeToken, writeState } from "../../io/postgres/target-schema.ts";
import { readWriteCounters } from "../../io/postgres/write-counters.ts";
import { readManifest } from "../backups.ts";
import { readExpectations } from "../expectations.ts";
import { neededFact } from "../facts.ts";
import { endOlderAttempts } from "../older-attempts.ts";
import { notStarted, startServices } from "../services.ts";
import { type StepContext, step } from "../step.ts";
import { putStorageBack } from "../storage.ts";
import { changeNames } from "../swap.ts";
import { leaveWorkspace, workspaceNotLeft } from "../workspace.ts";
import { reasonOf } from "./refuse.ts";
import { countersAtRest, type RestoredCopy, restoreCopy } from "./restore.ts";

export const handler = step("roll-back", async (context) => {
  const { promotion, environment } = context;
  const reason = await reasonOf(context, ["roll-back", "hold"]);
  const maintenance = await context.openMaintenance();
  try {
    await endWorkers(context, maintenance);
    if (!(await somethingCommitted(context, maintenance)))
      return { outcome: { path: "nothing", reason: reason.code } };
    const stopped = await stopServices(context);
    const { failed, kept } = await swap(context, maintenance);
    context.passed("swapped");
    const slots = await slotsLeftBehind(context, maintenance);
    const stored = await putStorageBack(context);
    context.passed("stored");
    const failure = await startServices(context);
    const unwritten = await leaveWorkspace(context, promotion.stateBefore);
    // Only now: production is back, and nobody waits for files to be removed.
    await dropScratch(maintenance, promotion.id, kept);
    return {
      outcome: { path: "swap", failed, reason: reason.code, stopped, slots, ...stored.outcome },
      status: "rolled-back",
      error: withStorage(reason, stored.failure),
      also: (ledger) => updateEnvironment(ledger, environment.name, { state: promotion.stateBefore }),
      events: [
        ...notStarted(failure),
        ...workspaceNotLeft(unwritten),
        ...notPutBack(stored.failure),
        {
          type: "promotion.rolled-back",
          announce: true,
          data: { code: reason.code, message: reason.message, failed, slots },
        },
        { type: "promotion.sealed" },
      ],
    };
  } finally {
    await maintenance.close();
  }
});

/** The reason stays the reason; whoever asks how it ended reads in its hint what is not as it was. */
function withStorage(reason: ErrorRecord, failure: RehearsalError | undefined): ErrorRecord {
  if (failure === undefined) return reason;
  return { ...reason, hint: `${failure.message}; ${failure.hint}. Then: ${reason.hint}` };
}

function notPutBack(failure: RehearsalError | undefined): NewEvent[] {
  if (failure === undefined) return [];
  const { code, message, hint } = failure;
  return [{ type: "promotion.storage-not-put-back", announce: true, data: { code, message, hint } }];
}

/** A stop hook that fails does not keep production from going back: the fence turns the services away all the same. */
async function stopServices({ promotion }: StepContext): Promise<string> {
  const { id, environment, release, policy } = promotion;
  return callHook("stop", policy.hooks.stop, { promotion: id, environment, release }).catch(
    (error: unknown) => {
      if (error instanceof RehearsalError) return error.message;
      throw error;
    },
  );
}

/** Steps that were stopped or overtaken may still run statements: their sessions end first. */
async function endWorkers(context: StepContext, maintenance: Session): Promise<void> {
  const { promotion } = context;
  for (const worker of ["fence", "migrate", "verify", "open"])
    await endSessions(maintenance, `rehearsal ${promotion.id} ${worker} `);
  await endOlderAttempts(context, maintenance);
}

async function somethingCommitted(context: StepContext, maintenance: Session): Promise<boolean> {
  const { promotion, ledger } = context;
  const { production } = promotion.facts;
  // Without an attempt to migrate nothing can be there, reachable or not.
  const begun = (await listSteps(ledger, promotion.id)).some((attempt) => attempt.step === "migrate");
  if (production === undefined || !begun) return false;
  await reopenClosed(
    maintenance,
    production.oid,
    production.name,
    databaseName(production.name, "fenced", promotion.id),
  );
  const session = await context.openProduction();
  try {
    // An attempt to migrate that was stopped before it had a session lives on: from here on it is turned away at the
    // door, and the one that came in meanwhile is ended.
    await session.transaction(() => takeToken(session, context.attempt));
    await endWorkers(context, maintenance);
    return await hasLeftSomething(session, context.promotion.id);
  } finally {
    await session.close();
  }
}

/**
 * Logical replication slots stay with the database that was swapped out: nobody reads them there, and the server keeps
 * its log for them until they are dropped. They are named where the end is told.
 */
async function slotsLeftBehind({ promotion }: StepContext, maintenance: Session): Promise<string[]> {
  const found = await maintenance.query<{ name: string }>(
    "select slot_name::text as name from pg_replication_slots where datoid = $1::oid order by 1",
    [neededFact(promotion, "production").oid],
  );
  return found.map(({ name }) => name);
}

/** Returns the name under which the failed database is kept, and the databases that stay. */
async function swap(context: StepContext, maintenance: Session): Promise<{ failed: string; kept: number[] }> {
  const { promotion } = context;
  const production = neededFact(promotion, "production");
  const failed = databaseName(production.name, "failed", promotion.id);
  const fenced = databaseName(production.name, "fenced", promotion.id);
  const current = await findDatabase(maintenance, { oid: production.oid });
  if (current?.name !== failed) {
    const unfenced = promotion.facts.fenced === undefined;
    // Where nothing was fenced the services still work: they are not shut out for a rollback that would be refused.
    if (unfenced && current?.name === production.name) await refuseLostWrites(context);
    await moveDatabase(maintenance, production.oid, fenced);
    context.passed("closed");
    try {
      await refuseLostWrites(context);
    } catch (error) {
      // Also when it was an attempt that died which closed it.
      if (unfenced) await moveDatabase(maintenance, production.oid, production.name);
      throw error;
    }
  }
  const pristine = await ensurePristine(context, maintenance);
  if (pristine.name !== production.name) await prepare(context, maintenance, pristine);
  // From here on two renames remain, and whoever runs this again sees from the names which of them are done.
  await changeNames(
    maintenance,
    { standing: production.oid, aside: failed, waiting: pristine.oid, name: production.name },
    context.passed,
  );
  await setReadOnly(maintenance, failed, false);
  return { failed, kept: [pristine.oid, production.oid] };
}

/** Throws `WritesWouldBeLost` when anybody but the migration wrote to production since the copy was brought up. */
async function refuseLostWrites(context: StepContext): Promise<void> {
  const { fenced, exposed, rehearsal, lossAccepted } = context.promotion.facts;
  if (lossAccepted !== undefined) return;
  const session = await context.openProduction({ readOnly: true });
  try {
    if (fenced !== undefined && exposed === undefined) return;
    if (exposed !== undefined) {
      if ((await readWriteCounters(session)) !== exposed.counters)
        throw new RehearsalError("WritesWouldBeLost", {
          differences: "rows were written after the fence was opened",
        });
      return;
    }
    // Never fenced: then nothing was written exactly when production holds what the rehearsed copy held.
    if (rehearsal === undefined) return;
    const { after } = await readExpectations(context.store, rehearsal);
    const differences = compareBaselines(after, await readBaseline(session));
    if (differences.length > 0)
      throw new RehearsalError("WritesWouldBeLost", {
        differences: differences.slice(0, 5).map(describeBaselineDifference).join("; "),
      });
  } finally {
    await session.close();
  }
}

/** The pristine copy, or where it is gone another one from the backup in S3. */
async function ensurePristine(context: StepContext, maintenance: Session): Promise<RestoredCopy> {
  const { promotion, attempt, ledger } = context;
  const made = promotion.facts.pristine;
  const known = made && (await findDatabase(maintenance, { oid: made.oid }));
  if (made !== undefined && known !== undefined) return { ...made, name: known.name };
  const { copy: pristine } = await restoreCopy(
    context,
    `${promotion.id}_r${attempt.attempt}`,
    promotion.facts.fenced?.backup ?? neededFact(promotion, "backup"),
  );
  await ledger.transaction(async () => {
    await assertNewest(ledger, attempt);
    await updatePromotion(ledger, promotion.id, { facts: { pristine, copying: null } });
  });
  return pristine;
}

/** Proves that the copy holds what production held, and gives it production's own properties and state. */
async function prepare(context: StepContext, maintenance: Session, pristine: RestoredCopy): Promise<void> {
  const { promotion, address, application } = context;
  const untouched = (await countersAtRest(context, maintenance, pristine)) === pristine.counters;
  const session = await openSession(address, { application, database: pristine.name });
  try {
    // It was proved when it was made or brought up, and nobody has written to it since; else it is read again.
    if (!untouched) await assertHolds(context, session);
    await writeState(session, promotion.stateBefore, null);
  } finally {
    await session.close();
  }
  await carryDatabaseProperties(maintenance, neededFact(promotion, "production").oid, pristine.name);
  await setReadOnly(maintenance, pristine.name, false);
  context.passed("prepared");
}

async function assertHolds(context: StepContext, session: Session): Promise<void> {
  const { fenced, backup } = context.promotion.facts;
  const newest = fenced?.backup ?? backup ?? neededFact(context.promotion, "backup");
  const { baseline } = await readManifest(context.store, newest);
  const held = await readBaseline(session, { onProgress: context.progress });
  const differences = compareBaselines(baseline, held);
  if (differences.length > 0)
    throw new RehearsalError("RollbackUnproven", {
      differences: differences.slice(0, 5).map(describeBaselineDifference).join("; "),
    });
}
