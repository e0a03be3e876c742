/** Rehearse: the release plays on a clone of the copy first; its report is written whether it goes well or not. */
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { reportMarkdown } from "../../core/report-markdown.ts";
import { cloneDatabase, dropDatabaseOf, letOwnLoginIn } from "../../io/postgres/databases.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { reportPage } from "../../web/report.ts";
import { writeArtifact } from "../artifacts.ts";
import { pendingPlans } from "../data-plan.ts";
import { withTwin } from "../determinism.ts";
import { neededFact } from "../facts.ts";
import { endOlderAttempts } from "../older-attempts.ts";
import { giveUpCopy } from "../pristine.ts";
import { type RehearsalResult, rehearse } from "../rehearsal.ts";
import { readRelease, runsOf } from "../release.ts";
import { bringCopyHome, rehearseRollback } from "../rollback-rehearsal.ts";
import { type StepContext, step } from "../step.ts";

export const handler = step("rehearse", async (context) => {
  const { report, expectations, refusal } = await onClone(context);
  const written = await writeArtifact(context.store, `${context.prefix}report.json`, report);
  await writeText(context, "report.md", "text/markdown; charset=utf-8", reportMarkdown(report));
  await writeText(context, "report.html", "text/html; charset=utf-8", reportPage(report));
  if (refusal !== undefined) throw refusal;
  if (expectations === undefined) throw new Error("a rehearsal that went well has no expectations");
  const kept = await writeArtifact(context.store, `${context.prefix}expectations.json`, expectations);
  return {
    outcome: {
      report: written.key,
      statements: report.runs
        .flatMap((run) => run.items)
        .reduce((sum, item) => sum + item.statements.length, 0),
      milliseconds: Math.round(report.milliseconds),
      fingerprint: report.fingerprintAfter,
    },
    facts: {
      rehearsal: {
        key: written.key,
        sha256: written.sha256,
        fingerprints: expectations.runs.map((run) => run.fingerprint),
        expectationsKey: kept.key,
        expectationsSha256: kept.sha256,
      },
    },
    ...(context.promotion.policy.rollback === "restore" && { afterwards: () => giveUpCopy(context) }),
  };
});

async function writeText(
  context: StepContext,
  name: string,
  contentType: string,
  text: string,
): Promise<void> {
  await context.store.putOnce(context.prefix + name, Buffer.from(text), { contentType });
}

/** Clones the pristine copy, rehearses, and drops the clone: nothing later needs it. */
async function onClone(context: StepContext): Promise<RehearsalResult> {
  const { promotion, attempt, application } = context;
  const production = neededFact(promotion, "production");
  const pristine = neededFact(promotion, "pristine");
  const name = databaseName(production.name, "rehearsed", `${promotion.id}_${attempt.attempt}`);
  const project = await readRelease(context.store, promotion.release);
  const runs = runsOf(project, neededFact(promotion, "pending"), promotion.seed);
  const maintenance = await context.openMaintenance();
  let clone: number | undefined;
  try {
    await endOlderAttempts(context, maintenance);
    await bringCopyHome(context, maintenance);
    // An attempt that died amid taking back has given it production's rights, which need not let us in.
    await letOwnLoginIn(maintenance, pristine.name);
    clone = await cloneDatabase(maintenance, pristine.name, name);
    context.passed("cloned");
    const plans = pendingPlans(project, neededFact(promotion, "pending"));
    // The twin is cloned before anybody is connected to what it is cloned from.
    const result = await withTwin(context, maintenance, plans, async (twin) => {
      const copy = await openSession(context.address, { application, database: name });
      const original = await openSession(context.address, {
        application,
        database: pristine.name,
        readOnly: true,
      });
      try {
        return await rehearse(context, project, runs, copy, original, twin);
      } finally {
        await copy.close();
        await original.close();
      }
    });
    return result.refusal === undefined ? await goBack(context, maintenance, name, result) : result;
  } finally {
    // Not by its name: when names could not be changed back, it is the copy that waits which has this one.
    if (clone !== undefined) await dropDatabaseOf(maintenance, clone);
    await maintenance.close();
  }
}

/** What went well must be possible to take back as well: that is played between the copy and the spent clone. */
async function goBack(
  context: StepContext,
  maintenance: Session,
  rehearsed: string,
  { report, expectations }: RehearsalResult,
): Promise<RehearsalResult> {
  const { promotion, attempt } = context;
  const { name } = neededFact(promotion, "production");
  const aside = databaseName(name, "rehearsed", `${promotion.id}_${attempt.attempt}aside`);
  try {
    report.rollback = await rehearseRollback(context, maintenance, { rehearsed, aside });
    return { report, ...(expectations !== undefined && { expectations }) };
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.retryable) throw error;
    return { report: { ...report, failure: toErrorRecord(error) }, refusal: error };
  }
}
