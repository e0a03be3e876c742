/** Refuse: nothing was committed, so production is given back as it was, the copies go, and the reason is told. */
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { Step } from "../../core/steps.ts";
import { decideApproval, readApproval } from "../../io/ledger/approvals.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { listSteps } from "../../io/ledger/steps.ts";
import { dropScratch, findDatabase } from "../../io/postgres/databases.ts";
import { endSessions } from "../../io/postgres/end-sessions.ts";
import type { Session } from "../../io/postgres/session.ts";
import { readIdentity, writeState } from "../../io/postgres/target-schema.ts";
import { letIn } from "../let-in.ts";
import { asNewest } from "../older-attempts.ts";
import { notStarted, startServices } from "../services.ts";
import { type StepContext, type StepResult, step } from "../step.ts";
import { leaveWorkspace, workspaceNotLeft } from "../workspace.ts";

export const handler = step("refuse", async (context) => {
  const { promotion, environment } = context;
  const reason = await reasonOf(context);
  if (promotion.rehearseOnly) return refuseRehearsal(context, reason);
  const { production } = promotion.facts;
  let gone = false;
  let copies = "dropped";
  if (production !== undefined) {
    const maintenance = await context.openMaintenance();
    try {
      // A database that somebody replaced while a decision was waited for is theirs, and keeps nobody from an end.
      gone = !(await wasFenced(context)) && (await findDatabase(maintenance, production)) === undefined;
      if (!gone) await asNewest(context, () => letIn(maintenance, production));
      copies = await tryDropping(maintenance, promotion.id);
    } finally {
      await maintenance.close();
    }
  }
  context.passed("let-in");
  if (!gone) await giveBackState(context);
  const failure = (await wasFenced(context)) ? await startServices(context) : undefined;
  const unwritten = await leaveWorkspace(context, promotion.stateBefore);
  return {
    outcome: { ended: "refused", code: reason.code, message: reason.message, copies },
    status: "refused",
    error: reason,
    also: async (ledger) => {
      await updateEnvironment(ledger, environment.name, { state: promotion.stateBefore });
      const approval = await readApproval(ledger, promotion.id);
      if (approval?.status === "waiting")
        await decideApproval(ledger, {
          promotion: promotion.id,
          status: reason.code === "Cancelled" ? "cancelled" : "expired",
          by: "workflow",
        });
    },
    events: [
      ...notStarted(failure),
      ...workspaceNotLeft(unwritten),
      { type: "promotion.refused", announce: true, data: { code: reason.code, message: reason.message } },
    ],
  };
});

/** Of a rehearsal alone only its copies are ours: the environment may be another promotion's by now, fence and all. */
async function refuseRehearsal(context: StepContext, reason: ErrorRecord): Promise<StepResult> {
  const { code, message } = reason;
  const copies = context.promotion.facts.production === undefined ? "none" : await tryPuttingAway(context);
  context.passed("let-in");
  return {
    outcome: { ended: "refused", code, message, copies },
    status: "refused",
    error: reason,
    events: [{ type: "promotion.refused", data: { code, message, rehearseOnly: true } }],
  };
}

/** Nothing of production's hangs on it, so nobody has to wait, or to be called, for a server that is away: the sweep drops the copies later. */
async function tryPuttingAway(context: StepContext): Promise<string> {
  let maintenance: Session;
  try {
    maintenance = await context.openMaintenance();
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "DatabaseUnreachable") return error.message;
    throw error;
  }
  try {
    await endSessions(maintenance, `rehearsal ${context.promotion.id} rehearse `);
    return await tryDropping(maintenance, context.promotion.id);
  } finally {
    await maintenance.close();
  }
}

/** A server that cannot drop a copy now, such as one whose disk is full, keeps nobody from an end: the sweep drops it later. */
async function tryDropping(maintenance: Session, id: string): Promise<string> {
  try {
    await dropScratch(maintenance, id, []);
    return "dropped";
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "StatementFailed") return error.message;
    throw error;
  }
}

/**
 * Why the promotion ends: what the machine says of a decision that went against it, else the failure of the step that
 * failed last. `besides` names steps whose own failures are not the reason: a rollback's, when it is tried again.
 */
export async function reasonOf(context: StepContext, besides: readonly Step[] = []): Promise<ErrorRecord> {
  const { input, promotion, ledger } = context;
  const { overtakenBy } = promotion.facts;
  if (overtakenBy !== undefined)
    return toErrorRecord(new RehearsalError("RehearsalOvertaken", { by: overtakenBy }));
  const decided = await againstIt(context);
  if (decided !== undefined) return toErrorRecord(decided);
  const failed = (await listSteps(ledger, promotion.id)).findLast(
    ({ status, error, step: name }) =>
      status === "failed" && error !== null && error.code !== "AttemptStale" && !besides.includes(name),
  );
  if (failed?.error) return failed.error;
  return toErrorRecord(
    new RehearsalError("StepDied", {
      error: input.error?.Error ?? "the execution was stopped",
      cause: input.error?.Cause ?? "",
    }),
  );
}

/** Rejected, cancelled or not decided in time while a decision was waited for; undefined when it was something else. */
async function againstIt({ input, promotion, ledger }: StepContext): Promise<RehearsalError | undefined> {
  const error = input.error?.Error;
  if (error === "Cancelled") return new RehearsalError("Cancelled", { by: promotion.askedBy ?? "somebody" });
  const approval = await readApproval(ledger, promotion.id);
  if (error === "ApprovalRejected")
    return new RehearsalError("ApprovalRejected", {
      by: approval?.decidedBy ?? "somebody",
      comment: approval?.comment ?? "",
    });
  if (promotion.status === "waiting" && error?.startsWith("States."))
    return new RehearsalError("ApprovalExpired", { seconds: promotion.policy.approvalTimeout });
  return undefined;
}

/** Only a database that carries this promotion's mark is written to: one that was refused at the door is not. */
async function giveBackState(context: StepContext): Promise<void> {
  const { promotion } = context;
  let session: Awaited<ReturnType<StepContext["openProduction"]>>;
  try {
    session = await context.openProduction();
  } catch (error) {
    // Admission could not reach it either, so there is nothing to give back.
    if (promotion.facts.production === undefined && error instanceof RehearsalError) return;
    throw error;
  }
  try {
    const identity = await readIdentity(session);
    if (identity?.promotion === promotion.id) await writeState(session, promotion.stateBefore, null);
  } finally {
    await session.close();
  }
}

async function wasFenced({ ledger, promotion }: StepContext): Promise<boolean> {
  return (await listSteps(ledger, promotion.id)).some((attempt) => attempt.step === "fence");
}
