/**
 * Reconcile: where Step Functions and the ledger disagree, the ledger wins. Runs when an execution ends and by the clock:
 * starts what was created and never started, takes back what was stopped from outside, sends what the outbox still holds.
 */

import { readApproval } from "../../io/ledger/approvals.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { listUnended, type Promotion, readPromotion } from "../../io/ledger/promotions.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { ExecutionState } from "../../io/step-functions.ts";
import { executionArn } from "../../io/step-functions.ts";
import { requiredVariable, stepFunctions } from "../clients.ts";
import { sendOutbox } from "../step.ts";

/** Returns what was done, by promotion. */
export async function handler(): Promise<{ actions: Record<string, string> }> {
  const ledger = await openLedger("reconcile");
  try {
    const actions: Record<string, string> = {};
    for (const promotion of await listUnended(ledger)) {
      const action = await reconcile(ledger, promotion);
      if (action !== undefined) actions[promotion.id] = action;
    }
    await sendOutbox(ledger);
    return { actions };
  } finally {
    await ledger.close();
  }
}

async function reconcile(ledger: Session, promotion: Promotion): Promise<string | undefined> {
  const machine = requiredVariable("REHEARSAL_PROMOTION_MACHINE");
  const execution = await stepFunctions.describeExecution(executionArn(machine, promotion.id));
  if (execution === undefined) {
    await stepFunctions.startExecution(promotion.id, machine, { promotion: promotion.id });
    return "started";
  }
  if (execution.status === "RUNNING" || execution.status === "PENDING_REDRIVE")
    return answerAgain(ledger, promotion);
  if (await isGoingBack(ledger, promotion)) return undefined;
  // Its end may have been written between our two looks.
  const now = await readPromotion(ledger, promotion.id);
  if (now.status !== promotion.status) return undefined;
  return startRollback(ledger, now, execution);
}

/** An approval that was recorded, but whose answer never reached the waiting state, is answered again. */
async function answerAgain(ledger: Session, promotion: Promotion): Promise<string | undefined> {
  const approval = await readApproval(ledger, promotion.id);
  if (promotion.status !== "running" || approval?.status !== "approved") return undefined;
  const [decided] = await ledger.query(
    "select 1 from ledger.steps where promotion = $1 and step in ('fence', 'migrate', 'refuse', 'roll-back') limit 1",
    [promotion.id],
  );
  if (decided !== undefined) return undefined;
  await stepFunctions.sendTaskSuccess(approval.taskToken, {
    decision: "approved",
    by: approval.decidedBy,
    evidence: approval.evidence,
  });
  return "answered";
}

async function isGoingBack(ledger: Session, promotion: Promotion): Promise<boolean> {
  const machine = requiredVariable("REHEARSAL_ROLLBACK_MACHINE");
  const count = await rollbacksBegun(ledger, promotion.id);
  for (let number = count; number >= 1; number--) {
    const known = await stepFunctions.describeExecution(
      executionArn(machine, rollbackName(promotion.id, number)),
    );
    if (known?.status === "RUNNING") return true;
  }
  return false;
}

/** Starts the rollback machine for a promotion; the event that counts it is committed first, so names never repeat. */
export async function startRollback(
  ledger: Session,
  promotion: Promotion,
  execution?: ExecutionState,
): Promise<string> {
  const number = await ledger.transaction(async () => {
    await readPromotion(ledger, promotion.id, "lock");
    const next = (await rollbacksBegun(ledger, promotion.id)) + 1;
    await appendEvent(ledger, {
      type: "promotion.rollback-started",
      environment: promotion.environment,
      promotion: promotion.id,
      data: {
        number: next,
        because: execution === undefined ? "asked for" : `its execution is ${execution.status}`,
      },
    });
    return next;
  });
  const machine = requiredVariable("REHEARSAL_ROLLBACK_MACHINE");
  await stepFunctions.startExecution(rollbackName(promotion.id, number), machine, {
    promotion: promotion.id,
  });
  return "taken back";
}

async function rollbacksBegun(ledger: Session, promotion: string): Promise<number> {
  const [row] = await ledger.query<{ count: number }>(
    "select count(*)::int as count from ledger.events where promotion = $1 and type = 'promotion.rollback-started'",
    [promotion],
  );
  return row?.count ?? 0;
}

const rollbackName = (promotion: string, number: number) => `${promotion}-rollback-${number}`;
