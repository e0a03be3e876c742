/** A person's decision: written to the ledger first, then handed to the state machine, which waits for it. */
import type { Credential } from "../core/access.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Policy } from "../core/policy.ts";
import { CANCELLABLE } from "../core/steps.ts";
import { type Approval, decideApproval, expireApproval, readApproval } from "../io/ledger/approvals.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { type Promotion, readPromotion, updatePromotion } from "../io/ledger/promotions.ts";
import { listSteps } from "../io/ledger/steps.ts";
import type { Session } from "../io/postgres/session.ts";
import { assertApprover } from "./data-plan.ts";
import { handOn } from "./hand-on.ts";

export interface Decision {
  promotion: string;
  verdict: "approved" | "rejected";
  /** The evidence it is about; what is asked about when it is left out. */
  evidence?: string;
  comment?: string;
  by: string;
  /** By which credential, for the log: a pipeline may have decided in their name. */
  credential: Credential;
  /** Asked once its row is held; throws when it is no longer what the person has seen. */
  assertSeen?: () => Promise<void>;
}

/**
 * Decides, once. The same person may say the same again, which hands on a decision whose request died half-way.
 * Throws `ApprovalNotWanted`, `RehearsalOnly`, `EvidenceChanged`, `ApproverNotNamed`, `OwnApproval`, and `TaskTokenUsed` when
 * the machine had given up waiting.
 */
export async function decide(ledger: Session, decision: Decision): Promise<void> {
  const { approval, repeated } = await ledger.transaction(() => write(ledger, decision));
  if (await handOn(approval)) return;
  if (repeated) throw notWanted(decision, `it was ${decision.verdict} already`);
  if (await ledger.transaction(() => arrived(ledger, decision))) return;
  throw new RehearsalError("TaskTokenUsed", { reason: "the state machine had stopped waiting" });
}

async function write(
  ledger: Session,
  decision: Decision,
): Promise<{ approval: Approval; repeated: boolean }> {
  const { promotion: id, verdict, evidence, comment, by, credential } = decision;
  // Every step locks the promotion before anything else of it, and so must a decision, or the two would deadlock.
  const promotion = await readPromotion(ledger, id, "lock");
  await decision.assertSeen?.();
  if (promotion.rehearseOnly) throw new RehearsalError("RehearsalOnly", { promotion: id });
  const asked = await readApproval(ledger, id);
  const sameEvidence = evidence === undefined || evidence === asked?.evidence;
  if (asked?.status === verdict && asked.decidedBy === by && sameEvidence)
    return { approval: asked, repeated: true };
  if (asked?.status === "waiting" && asked.late) throw notWanted(decision, "the time for it has run out");
  if (verdict === "approved") {
    assertApprover(promotion.facts.plans, by);
    await assertSecond(ledger, promotion, by);
  }
  const approval = await decideApproval(ledger, {
    promotion: id,
    status: verdict,
    by,
    ...(evidence !== undefined && { evidence }),
    ...(comment !== undefined && { comment }),
  });
  await updatePromotion(ledger, id, { status: "running" });
  await appendEvent(ledger, {
    type: `promotion.${verdict}`,
    environment: promotion.environment,
    promotion: id,
    announce: true,
    data: {
      ...{ evidence: approval.evidence, by, comment: comment ?? "" },
      credential: `${credential.kind} ${credential.id}`,
    },
  });
  return { approval, repeated: false };
}

/**
 * Throws `OwnApproval` where four eyes are asked for and whoever asked for the promotion approves it: a person is one
 * whatever the credential. The policy is the promotion's own, so nobody changes it under way.
 */
async function assertSecond(ledger: Session, promotion: Promotion, by: string): Promise<void> {
  const { id, environment, policy, requestedBy } = promotion;
  const { role } = await readEnvironment(ledger, environment);
  if (wantsFourEyes(policy, role) && by === requestedBy)
    throw new RehearsalError("OwnApproval", { promotion: id, person: by });
}

/** Whether nobody may approve what they asked for themselves: as the policy says, and on role prod where it says nothing. */
export function wantsFourEyes({ fourEyes }: Pick<Policy, "fourEyes">, role: Environment["role"]): boolean {
  return fourEyes ?? role === "prod";
}

/**
 * The machine knows the token no more: either it took this very answer and its reply was lost, which a later step
 * shows, or it had stopped waiting, and then the ledger says so.
 */
async function arrived(ledger: Session, { promotion: id, verdict }: Decision): Promise<boolean> {
  const promotion = await readPromotion(ledger, id, "lock");
  const steps = (await listSteps(ledger, id)).map(({ step }) => step);
  if (verdict === "approved" && steps.some((step) => step !== "refuse" && !CANCELLABLE.has(step)))
    return true;
  await expireApproval(ledger, id);
  if (promotion.status === "running") await updatePromotion(ledger, id, { status: "waiting" });
  await appendEvent(ledger, {
    type: "promotion.approval-expired",
    environment: promotion.environment,
    promotion: id,
  });
  return false;
}

function notWanted({ promotion }: Decision, reason: string): RehearsalError {
  return new RehearsalError("ApprovalNotWanted", { promotion, reason });
}
