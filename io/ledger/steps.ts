/** Steps in the ledger: every attempt takes a larger fencing token, and only the newest may write. */
import type { Json } from "../../core/canonical-json.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import type { Step } from "../../core/steps.ts";
import type { Session } from "../postgres/session.ts";
import { type Promotion, readPromotion } from "./promotions.ts";

export interface Attempt {
  promotion: string;
  step: Step;
  attempt: number;
  /** Larger than every token given out before it. */
  token: number;
}

export type Begun = { promotion: Promotion; attempt: Attempt } | { promotion: Promotion; done: Json };

/**
 * Begins an attempt of a step, which makes every older attempt of it a zombie; or tells the outcome of the attempt
 * that succeeded. Must be called inside a transaction.
 */
export async function beginStep(
  session: Session,
  id: string,
  step: Step,
  options: { everyTime?: true } = {},
): Promise<Begun> {
  const promotion = await readPromotion(session, id, "lock");
  const [done] = await session.query<{ outcome: Json }>(
    "select outcome from ledger.steps where promotion = $1 and step = $2 and status = 'succeeded'",
    [id, step],
  );
  if (done !== undefined && !options.everyTime) return { promotion, done: done.outcome };
  const overtaken = toErrorRecord(new RehearsalError("AttemptStale", { step, attempt: 0 }));
  await session.query(
    `update ledger.steps set status = 'failed', error = $3, ended_at = now()
      where promotion = $1 and step = $2 and status = 'running'`,
    [id, step, JSON.stringify(overtaken)],
  );
  await session.query(
    "update ledger.promotions set status = 'running' where id = $1 and status = 'created'",
    [id],
  );
  const [row] = await session.query<{ attempt: number; token: string }>(
    `insert into ledger.steps (promotion, step, attempt)
      select $1, $2, coalesce(max(attempt), 0) + 1 from ledger.steps where promotion = $1 and step = $2
      returning attempt, token`,
    [id, step],
  );
  if (row === undefined) throw new Error("an insert returned no row");
  return { promotion, attempt: { promotion: id, step, attempt: row.attempt, token: Number(row.token) } };
}

/** Throws `AttemptStale` unless this is still the newest attempt; holds the promotion's row until the transaction ends. */
export async function assertNewest(session: Session, attempt: Attempt): Promise<Promotion> {
  const promotion = await readPromotion(session, attempt.promotion, "lock");
  const [newest] = await session.query<{ attempt: number }>(
    "select max(attempt) as attempt from ledger.steps where promotion = $1 and step = $2",
    [attempt.promotion, attempt.step],
  );
  if (newest?.attempt !== attempt.attempt)
    throw new RehearsalError("AttemptStale", { step: attempt.step, attempt: attempt.attempt });
  return promotion;
}

/** Ends an attempt; the caller has asserted that it is the newest, in the same transaction. */
export async function finishStep(
  session: Session,
  attempt: Attempt,
  result: { outcome: Json } | { error: ErrorRecord },
): Promise<void> {
  const succeeded = "outcome" in result;
  await session.query(
    `update ledger.steps set status = $4, outcome = $5, error = $6, ended_at = now()
      where promotion = $1 and step = $2 and attempt = $3`,
    [
      attempt.promotion,
      attempt.step,
      attempt.attempt,
      succeeded ? "succeeded" : "failed",
      succeeded ? JSON.stringify(result.outcome) : null,
      succeeded ? null : JSON.stringify(result.error),
    ],
  );
}

/** Writes how far an attempt is, for whoever watches. */
export async function writeProgress(session: Session, attempt: Attempt, progress: Progress): Promise<void> {
  await session.query(
    "update ledger.steps set progress = $4 where promotion = $1 and step = $2 and attempt = $3",
    [attempt.promotion, attempt.step, attempt.attempt, JSON.stringify(progress)],
  );
}

export interface StepRow {
  step: Step;
  attempt: number;
  status: "running" | "succeeded" | "failed";
  outcome: Json;
  error: ErrorRecord | null;
  progress: Progress | null;
  startedAt: Date;
  endedAt: Date | null;
}

/** Every attempt of every step, in the order they began. */
export async function listSteps(session: Session, promotion: string): Promise<StepRow[]> {
  return session.query<StepRow>(
    `select step, attempt, status, outcome, error, progress, started_at as "startedAt", ended_at as "endedAt"
      from ledger.steps where promotion = $1 order by token`,
    [promotion],
  );
}
