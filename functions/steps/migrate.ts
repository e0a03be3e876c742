/** Migrate: the code that ran on the copy runs on production, and nothing is committed that does not look as rehearsed. */

import { batchProgress } from "../../core/batch-progress.ts";
import { planEvidence } from "../../core/data-plan.ts";
import { RehearsalError } from "../../core/errors.ts";
import { evidenceDigest } from "../../core/evidence.ts";
import type { Expectations } from "../../core/expectations.ts";
import { quoteName } from "../../core/names.ts";
import type { Project } from "../../core/project.ts";
import { describeDifference, diffShapes, fingerprint } from "../../core/shape.ts";
import { assertStanding } from "../../io/backup-objects.ts";
import { readApproval } from "../../io/ledger/approvals.ts";
import { applyRuns } from "../../io/postgres/apply.ts";
import { findBrokenChecks, refuseBroken } from "../../io/postgres/checks.ts";
import { changesSince, readChanges } from "../../io/postgres/measure.ts";
import type { Session } from "../../io/postgres/session.ts";
import { readTableFiles, replacedTables } from "../../io/postgres/table-files.ts";
import { hasLeftSomething } from "../../io/postgres/target-schema.ts";
import { readManifest } from "../backups.ts";
import { pendingPlans } from "../data-plan.ts";
import { readExpectations } from "../expectations.ts";
import { neededFact } from "../facts.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { measureProduction } from "../measures.ts";
import { endOlderAttempts } from "../older-attempts.ts";
import { readRelease, runsOf } from "../release.ts";
import { type StepContext, step } from "../step.ts";
import { mayGoOn } from "../time-left.ts";

export const handler = step("migrate", async (context) => {
  const { promotion, attempt } = context;
  const pending = neededFact(promotion, "pending");
  // The copy was made from all of it; here time counts, for writers may be waiting.
  const project = await readRelease(context.store, promotion.release, pending);
  await assertDecided(context, project);
  const runs = runsOf(project, pending, promotion.seed);
  const expectations = await readExpectations(context.store, neededFact(promotion, "rehearsal"));
  await assertWayBack(context);
  await endOlder(context);
  const session = await context.openProduction();
  const measuring = await measureProduction(context, session);
  try {
    await assertUnchanged(context, session);
    const started = performance.now();
    let changedBefore: Awaited<ReturnType<typeof readChanges>> = {};
    let filesBefore: Awaited<ReturnType<typeof readTableFiles>> = new Map();
    const end = await applyRuns({
      session,
      attempt,
      release: promotion.release,
      runs,
      policy: promotion.policy,
      observer: measuring.around({
        runBegins: async () => {
          changedBefore = await readChanges(session);
          filesBefore = await readTableFiles(session);
        },
      }),
      verify: async (index) => {
        await verifyShape(context, session, expectations, index);
        // Outside a transaction the server's counts are of no single run; there the fence keeps everybody else away.
        if (runs[index]?.transactional) {
          await verifyChanges(session, expectations, index, changedBefore);
          await verifyFiles(session, expectations, index, filesBefore);
        }
        if (index === runs.length - 1) await verifyChecks(context, session, project);
      },
      passed: measuring.passed,
      onItem: (item) => context.progress({ done: { bytes: 0, rows: 0 }, now: item.path }),
      mayGoOn: mayGoOn(context),
      onSlice: (item, _slice, record) =>
        context.progress(batchProgress(item.path, record, item.batch ?? { pause: 0 })),
    });
    const milliseconds = Math.round(performance.now() - started);
    await measuring.keep();
    if (end === "more") return { more: true, outcome: { more: true, milliseconds } };
    const last = expectations.runs.at(-1)?.fingerprint ?? neededFact(promotion, "fingerprint");
    return {
      outcome: {
        runs: runs.length,
        milliseconds,
        fingerprint: last,
      },
      facts: { migrated: { fingerprint: last } },
    };
  } finally {
    await measuring.end();
    await session.close();
  }
});

/** The evidence is computed anew from what stands now; an approval for anything else is void. */
async function assertDecided({ promotion, ledger }: StepContext, project: Project): Promise<void> {
  if (promotion.asked === "roll-back")
    throw new RehearsalError("RollbackAsked", { by: promotion.askedBy ?? "somebody" });
  const plans = planEvidence(pendingPlans(project, neededFact(promotion, "pending")));
  const rehearsal = neededFact(promotion, "rehearsal");
  const evidence = evidenceDigest({
    release: promotion.release,
    fingerprint: neededFact(promotion, "fingerprint"),
    report: rehearsal.sha256,
    ...(rehearsal.expectationsSha256 && { expectations: rehearsal.expectationsSha256 }),
    ...(plans && { plans }),
  });
  if (evidence !== promotion.evidence)
    throw new RehearsalError("EvidenceChanged", { named: promotion.evidence ?? "none", asked: evidence });
  if (promotion.policy.decision === "automatic") return;
  const approval = await readApproval(ledger, promotion.id);
  if (approval?.status !== "approved")
    throw new RehearsalError("ApprovalNotWanted", {
      promotion: promotion.id,
      reason: `its approval is ${approval?.status ?? "missing"}`,
    });
  if (approval.evidence !== evidence)
    throw new RehearsalError("EvidenceChanged", { named: approval.evidence, asked: evidence });
}

/** The copy stands beside production, but a copy can be dropped: nothing is migrated whose backup is not there any more. */
async function assertWayBack({ promotion, store }: StepContext): Promise<void> {
  const backup = neededFact(promotion, "backup");
  const { toc, data, largeObjects } = await readManifest(store, backup);
  await assertStanding(store, backup.key, [toc, ...data, ...largeObjects]);
}

async function endOlder(context: StepContext): Promise<void> {
  const maintenance = await context.openMaintenance();
  try {
    await endOlderAttempts(context, maintenance);
  } finally {
    await maintenance.close();
  }
}

/** Unless an earlier attempt has begun to change it, production must still be what was rehearsed. */
async function assertUnchanged({ promotion, environment }: StepContext, session: Session): Promise<void> {
  if (await hasLeftSomething(session, promotion.id)) return;
  const found = fingerprint(await readGuardedShape(session, promotion.policy));
  if (found !== promotion.facts.fingerprint)
    throw new RehearsalError("DriftFound", {
      environment: environment.name,
      differences: "it changed since the rehearsal",
    });
}

/** Before COMMIT: the shape is the rehearsed one. */
async function verifyShape(
  { promotion }: StepContext,
  session: Session,
  expectations: Expectations,
  index: number,
): Promise<void> {
  const expected = expectations.runs[index];
  if (expected === undefined) throw new Error(`run ${index} was never rehearsed`);
  const shape = await readGuardedShape(session, promotion.policy);
  if (fingerprint(shape) === expected.fingerprint) return;
  throw new RehearsalError("ShapeUnexpected", {
    where: `run ${index + 1} of ${expectations.runs.length}`,
    differences: diffShapes(expected.shape, shape).map(describeDifference).slice(0, 5).join("; "),
  });
}

/** Before COMMIT: rows were written to no other tables than on the copy. */
async function verifyChanges(
  session: Session,
  expectations: Expectations,
  index: number,
  before: Awaited<ReturnType<typeof readChanges>>,
): Promise<void> {
  const expected = new Set(expectations.runs[index]?.changedTables);
  const changed = changesSince(before, await readChanges(session));
  const others = Object.keys(changed).filter((table) => !expected.has(table));
  if (others.length > 0)
    throw new RehearsalError("KeptDataChanged", { differences: `rows were written to ${others.join(", ")}` });
}

/** Before COMMIT: no other tables were emptied, rewritten or replaced than on the copy, which no count of rows tells of. */
async function verifyFiles(
  session: Session,
  expectations: Expectations,
  index: number,
  before: Awaited<ReturnType<typeof readTableFiles>>,
): Promise<void> {
  const expected = expectations.runs[index]?.replacedTables;
  // A rehearsal of an older service did not look.
  if (expected === undefined) return;
  const replaced = replacedTables(before, await readTableFiles(session));
  const others = replaced.filter((table) => !expected.includes(table));
  if (others.length > 0)
    throw new RehearsalError("KeptDataChanged", {
      differences: `other than on the copy, ${others.join(", ")} was emptied, rewritten or replaced`,
    });
}

async function verifyChecks({ promotion }: StepContext, session: Session, project: Project): Promise<void> {
  const searchPath = promotion.policy.searchPath.map(quoteName).join(", ");
  await inTransaction(session, async () =>
    refuseBroken(await findBrokenChecks(session, project.checks, searchPath)),
  );
}

/** Checks need a transaction: the migration's own when one stands, else one of their own. */
async function inTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  if (session.inTransaction()) await work();
  else await session.transaction(work, "begin read only");
}
