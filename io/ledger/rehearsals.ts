/** Rehearsals that nothing follows, in the ledger: they have a turn of their own, and are overtaken by whatever changes their environment. */
import type { Session } from "../postgres/session.ts";

/** Until the transaction ends no rehearsal and no promotion of the environment begins; `beside` others that only keep them from it. */
export async function lockTurns(session: Session, environment: string, beside?: "beside"): Promise<void> {
  await session.query(
    `select pg_advisory_xact_lock${beside ? "_shared" : ""}(hashtextextended('turns of ' || $1, 0))`,
    [environment],
  );
}

/**
 * What is under way ahead of `by` is overtaken by it, a promotion or a task: no step of it begins or writes any more, and
 * it ends as refused. To be called inside a transaction, before the environment itself is locked.
 */
export async function overtakeRehearsals(session: Session, environment: string, by: string): Promise<void> {
  await lockTurns(session, environment);
  await session.query(
    `update ledger.promotions set facts = facts || jsonb_build_object('overtakenBy', $2::text)
      where environment = $1 and rehearse_only and status in ('created', 'running')`,
    [environment, by],
  );
}

/** The rehearsals that `by` has overtaken and that have not ended yet. */
export async function listOvertaken(session: Session, by: string): Promise<string[]> {
  const found = await session.query<{ id: string }>(
    `select id from ledger.promotions
      where rehearse_only and status in ('created', 'running') and facts ->> 'overtakenBy' = $1`,
    [by],
  );
  return found.map(({ id }) => id);
}
