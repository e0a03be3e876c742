/** Steps in the ledger: every attempt takes a larger fencing token, and only the newest may write. */
import type { Json } from "../../core/canonical-json.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { isEnded, STEPS, type Step } from "../../core/steps.ts";
import type { Session } from "../postgres/session.ts";
import { type Promotion, readPromotion } from "./promotions.ts";

export interface Attempt {
  promotion: string;
  step: Step;
  attempt: number;
  /** Larger than every token given out before it. */
  token: number;
}

/** The steps that end a promotion which does not go on. Once one of them has begun, none ahead of them may write any more. */
const ENDINGS = STEPS.slice(STEPS.indexOf("refuse"));

export type Begun = { promotion: Promotion; attempt: Attempt } | { promotion: Promotion; done: Json };

/**
 * Begins an attempt of a step, which makes every older attempt of it a zombie; or tells the outcome of the attempt
 * that succeeded. Throws `AttemptStale` when the promotion has ended or is on its way back: an invocation that was
 * delivered late must not go ahead with it; and `RehearsalOvertaken` when a rehearsal alone has to give way. Must be
 * called inside a transaction.
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
  const over = isEnded(promotion.status) && promotion.status !== "held";
  // The machine may miss a step's answer and turn to hold; what the ledger says has ended well stays so.
  if (over && step === "hold")
    return { promotion, done: { ended: promotion.status, message: `it had ended: ${promotion.status}` } };
  const { overtakenBy } = promotion.facts;
  // Not to be tried again, as what is stale may be: it is over for this promotion.
  if (!over && overtakenBy !== undefined && !ENDINGS.includes(step))
    throw new RehearsalError("RehearsalOvertaken", { by: overtakenBy });
  if (over || (await isOvertaken(session, promotion, step)))
    throw new RehearsalError("AttemptStale", { step, attempt: 0 });
  const overtaken = toErrorRecord(new RehearsalError("AttemptStale", { step, attempt: 0 }));
  await session.query(
    `update ledger.steps set status = 'failed', error = $2, ended_at = now()
      where promotion = $1 and status = 'running'`,
    [id, JSON.stringify(overtaken)],
  );
  await session.query(
    "update ledger.promotions set status = 'running' where id = $1 and status = 'created'",
    [id],
  );
  const [row] = await session.query<{ attempt: number; token: string }>(
    `insert into ledger.steps (promotion, step, attempt)
      select $1, $2, greatest(max(attempt), (select attempts_above from ledger.interrupted where id = $1), 0) + 1
        from ledger.steps where promotion = $1 and step = $2
      returning attempt, token`,
    [id, step],
  );
  if (row === undefined) throw new Error("an insert returned no row");
  return { promotion, attempt: { promotion: id, step, attempt: row.attempt, token: Number(row.token) } };
}

/** True for a step ahead of the endings when one of those has begun, or when a rehearsal alone has to give way. */
async function isOvertaken(session: Session, { id, facts }: Promotion, step: Step): Promise<boolean> {
  if (ENDINGS.includes(step)) return false;
  if (facts.overtakenBy !== undefined) return true;
  const begun = await session.query(
    "select 1 from ledger.steps where promotion = $1 and step = any ($2::text[]) limit 1",
    [id, ENDINGS],
  );
  return begun.length > 0;
}

/** Throws `AttemptStale` unless this is still the newest attempt and the promotion goes its way; holds the promotion's row until the transaction ends. */
export async function assertNewest(session: Session, attempt: Attempt): Promise<Promotion> {
  const promotion = await readPromotion(session, attempt.promotion, "lock");
  const [newest] = await session.query<{ attempt: number }>(
    "select max(attempt) as attempt from ledger.steps where promotion = $1 and step = $2",
    [attempt.promotion, attempt.step],
  );
  if (newest?.attempt !== attempt.attempt || (await isOvertaken(session, promotion, attempt.step)))
    throw new RehearsalError("AttemptStale", { step: attempt.step, attempt: attempt.attempt });
  return promotion;
}

/** Ends an attempt: done, failed, or stopped in time with work left for the next one. The caller has asserted that it is the newest, in the same transaction. */
export async function finishStep(
  session: Session,
  attempt: Attempt,
  result: { outcome: Json } | { yielded: Json } | { error: ErrorRecord },
): Promise<void> {
  const status = "outcome" in result ? "succeeded" : "yielded" in result ? "yielded" : "failed";
  const outcome = "outcome" in result ? result.outcome : "yielded" in result ? result.yielded : undefined;
  await session.query(
    `update ledger.steps set status = $4, outcome = $5, error = $6, ended_at = now()
      where promotion = $1 and step = $2 and attempt = $3`,
    [
      attempt.promotion,
      attempt.step,
      attempt.attempt,
      status,
      outcome === undefined ? null : JSON.stringify(outcome),
      "error" in result ? JSON.stringify(result.error) : null,
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
  status: "running" | "succeeded" | "failed" | "yielded";
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

/** How long the step took when it was last done on the environment, in seconds; null where it never was. */
export async function lastSeconds(session: Session, environment: string, step: Step): Promise<number | null> {
  const [last] = await session.query<{ seconds: number }>(
    `select extract(epoch from s.ended_at - s.started_at)::float8 as seconds
      from ledger.steps s join ledger.promotions p on p.id = s.promotion
      where p.environment = $1 and s.step = $2 and s.status = 'succeeded' order by s.token desc limit 1`,
    [environment, step],
  );
  return last?.seconds ?? null;
}
