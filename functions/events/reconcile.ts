/**
 * Reconcile: where Step Functions and the ledger disagree, the ledger wins. Runs when an execution ends and by the clock:
 * starts what was created and never started, takes back what was stopped from outside, sends what the outbox still holds.
 */

import { readApproval } from "../../io/ledger/approvals.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { listUnended, type Promotion, readPromotion } from "../../io/ledger/promotions.ts";
import { whatWaits } from "../../io/ledger/watch.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { ExecutionState } from "../../io/step-functions.ts";
import { executionArn } from "../../io/step-functions.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { measure } from "../../io/telemetry/measure.ts";
import { stepFunctions } from "../clients.ts";
import { handOn } from "../hand-on.ts";
import { promotionMachine } from "../machines.ts";
import { keepCopyWhole, sendOutbox } from "../outbox.ts";
import { reconcilePrunes } from "../prune-reconcile.ts";
import { isGoingBack, numberRollback, rollbacksBegun, startRollback } from "../rollback-execution.ts";
import { reconcileTasks } from "../task-reconcile.ts";

/** Seconds that the API has for a request. */
const THEIR_TURN = 30;

/** Returns what was done, by promotion, by task and by prune. */
export const handler = invoked(async (): Promise<{ actions: Record<string, string> }> => {
  const ledger = await openLedger("reconcile");
  try {
    const actions: Record<string, string> = {};
    const failures: unknown[] = [];
    for (const promotion of await listUnended(ledger)) {
      try {
        const action = await reconcile(ledger, promotion);
        if (action !== undefined) actions[promotion.id] = action;
      } catch (error) {
        // One that cannot be mended must not keep the others from it.
        failures.push(error);
      }
    }
    Object.assign(actions, await reconcileTasks(ledger, failures));
    Object.assign(actions, await reconcilePrunes(ledger, failures));
    // Before it is sent: where it cannot be, that is to be known.
    const { held, outboxSeconds } = await whatWaits(ledger);
    await measure({ name: "PromotionsHeld", value: held }, { name: "OutboxAge", value: outboxSeconds });
    await sendOutbox(ledger);
    await keepCopyWhole(ledger);
    if (Object.keys(actions).length > 0) log.info("reconciled", { actions });
    if (failures.length > 0) throw failures[0];
    return { actions };
  } finally {
    await ledger.close();
  }
});

async function reconcile(ledger: Session, promotion: Promotion): Promise<string | undefined> {
  const machine = promotionMachine(promotion);
  const execution = await stepFunctions.describeExecution(executionArn(machine, promotion.id));
  if (execution === undefined) {
    await stepFunctions.startExecution(promotion.id, machine, { promotion: promotion.id });
    return "started";
  }
  if (execution.status === "RUNNING" || execution.status === "PENDING_REDRIVE")
    return answerAgain(ledger, promotion);
  const begun = await rollbacksBegun(ledger, promotion.id);
  if (await isGoingBack(ledger, promotion)) return undefined;
  // Its end may have been written between our two looks.
  const now = await readPromotion(ledger, promotion.id);
  if (now.status !== promotion.status) return undefined;
  return takeBack(ledger, now, execution, begun);
}

/**
 * A decision that was recorded, but may never have reached the waiting state, is handed on again; not while whoever took it
 * still may do so: they would find the token used, and take it for one that came too late.
 */
async function answerAgain(ledger: Session, promotion: Promotion): Promise<string | undefined> {
  const approval = await readApproval(ledger, promotion.id);
  if (approval === undefined || approval.status === "waiting" || approval.status === "expired")
    return undefined;
  const [decided] = await ledger.query(
    `select 1 from ledger.steps where promotion = $1 and step in ('fence', 'migrate', 'refuse', 'roll-back')
      union all
      select 1 from ledger.approvals where promotion = $1 and decided_at > now() - interval '${THEIR_TURN} seconds' limit 1`,
    [promotion.id],
  );
  if (decided !== undefined) return undefined;
  return (await handOn(approval)) ? "answered" : undefined;
}

/**
 * Takes a promotion back whose execution ended without it, unless somebody else has begun to since we counted. The number
 * is committed before the execution is started.
 */
async function takeBack(
  ledger: Session,
  promotion: Promotion,
  { status }: ExecutionState,
  begun: number,
): Promise<string | undefined> {
  const number = await ledger.transaction(async () => {
    await readPromotion(ledger, promotion.id, "lock");
    if ((await rollbacksBegun(ledger, promotion.id)) !== begun) return undefined;
    return numberRollback(ledger, promotion, { because: `its execution is ${status}` });
  });
  if (number === undefined) return undefined;
  await startRollback(promotion, number);
  return "taken back";
}
