/** Whether a promotion stands in the way: one that has closed its database, or one that has it locked at all. */
import { RehearsalError } from "../core/errors.ts";
import type { Session } from "../io/postgres/session.ts";

/** Throws `EnvironmentFenced` when a promotion that has not ended has begun to close the database. */
export async function refuseFenced(ledger: Session, environment: string): Promise<void> {
  const holder = await findHolder(ledger, environment);
  if (holder?.fenced)
    throw new RehearsalError("EnvironmentFenced", {
      environment,
      promotion: holder.id,
      status: holder.status,
    });
}

/** Throws `PruneMustWait` while a promotion has the environment. */
export async function waitForPromotion(ledger: Session, environment: string): Promise<void> {
  const holder = await findHolder(ledger, environment);
  if (holder !== undefined)
    throw new RehearsalError("PruneMustWait", {
      environment,
      promotion: holder.id,
      status: holder.status,
    });
}

/** Throws `EnvironmentLocked` while a promotion has the environment. */
export async function refuseLocked(ledger: Session, environment: string): Promise<void> {
  const holder = await findHolder(ledger, environment);
  if (holder !== undefined)
    throw new RehearsalError("EnvironmentLocked", {
      environment,
      promotion: holder.id,
      status: holder.status,
    });
}

async function findHolder(ledger: Session, environment: string) {
  const [holder] = await ledger.query<{ id: string; status: string; fenced: boolean }>(
    `select id, status, exists (select from ledger.steps s where s.promotion = p.id and s.step = 'fence') as fenced
      from ledger.promotions p where environment = $1 and status in ('created', 'running', 'waiting', 'held') and not rehearse_only`,
    [environment],
  );
  return holder;
}
