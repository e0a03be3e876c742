/** Approvals in the ledger: one question per promotion, bound to the evidence, answered at most once. */
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

type ApprovalStatus = "waiting" | "approved" | "rejected" | "expired" | "cancelled";

export interface Approval {
  promotion: string;
  evidence: string;
  taskToken: string;
  status: ApprovalStatus;
  decidedBy: string | null;
  comment: string | null;
  expiresAt: Date;
  /** True when the time for it has run out, by the ledger's clock, which also set it. */
  late: boolean;
}

const COLUMNS = `promotion, evidence, task_token as "taskToken", status, decided_by as "decidedBy", comment,
  expires_at as "expiresAt", expires_at <= now() as late`;

/**
 * Asks. A step that runs again hands in its newer token, the only one that the machine still waits for, whether somebody
 * has answered meanwhile or not; an answer that came between the two and reached nobody may be given again.
 */
export async function askApproval(
  session: Session,
  ask: { promotion: string; evidence: string; taskToken: string; seconds: number },
): Promise<void> {
  await session.query(
    `insert into ledger.approvals (promotion, evidence, task_token, expires_at)
      values ($1, $2, $3, now() + make_interval(secs => $4))
      on conflict (promotion) do update set task_token = excluded.task_token, expires_at = excluded.expires_at,
        status = case when approvals.status = 'expired' then 'waiting' else approvals.status end
        where approvals.evidence = excluded.evidence`,
    [ask.promotion, ask.evidence, ask.taskToken, ask.seconds],
  );
}

export async function readApproval(session: Session, promotion: string): Promise<Approval | undefined> {
  const [row] = await session.query<Approval>(
    `select ${COLUMNS} from ledger.approvals where promotion = $1`,
    [promotion],
  );
  return row;
}

/** True when it is the token under which a promotion waits, or waited, for a decision. */
export async function isDecision(session: Session, taskToken: string): Promise<boolean> {
  const found = await session.query("select 1 from ledger.approvals where task_token = $1", [taskToken]);
  return found.length > 0;
}

/**
 * Answers the question, once: throws `ApprovalNotWanted` when nothing waits (any more), and `EvidenceChanged` when
 * the answer names other evidence than was asked about.
 */
export async function decideApproval(
  session: Session,
  decision: {
    promotion: string;
    evidence?: string;
    status: Exclude<ApprovalStatus, "waiting">;
    by: string;
    comment?: string;
  },
): Promise<Approval> {
  const [asked] = await session.query<Approval>(
    `select ${COLUMNS} from ledger.approvals where promotion = $1 for update`,
    [decision.promotion],
  );
  if (asked === undefined || asked.status !== "waiting")
    throw new RehearsalError("ApprovalNotWanted", {
      promotion: decision.promotion,
      reason: asked === undefined ? "it has not asked for one" : `it was ${asked.status} already`,
    });
  if (decision.evidence !== undefined && decision.evidence !== asked.evidence)
    throw new RehearsalError("EvidenceChanged", { named: decision.evidence, asked: asked.evidence });
  await session.query(
    `update ledger.approvals set status = $2, decided_by = $3, comment = $4, decided_at = now() where promotion = $1`,
    [decision.promotion, decision.status, decision.by, decision.comment ?? null],
  );
  return { ...asked, status: decision.status, decidedBy: decision.by, comment: decision.comment ?? null };
}

/** Marks a decision as come too late: nobody waited for it any more when it was handed on. */
export async function expireApproval(session: Session, promotion: string): Promise<void> {
  await session.query("update ledger.approvals set status = 'expired' where promotion = $1", [promotion]);
}
