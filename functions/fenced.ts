/** Whether something stands in the way: a promotion that has closed its database or has it locked at all, or a store that counts in its place. */
import { RehearsalError } from "../core/errors.ts";
import { findCutOver } from "../io/ledger/stores.ts";
import type { Session } from "../io/postgres/session.ts";

/** Throws `EnvironmentFenced` when a promotion that has not ended has begun to close the database, `StoreCutOver` when a store counts. */
export async function refuseFenced(ledger: Session, environment: string): Promise<void> {
  await refuseCutOver(ledger, environment);
  const holder = await findHolder(ledger, environment);
  if (holder?.fenced)
    throw new RehearsalError("EnvironmentFenced", {
      environment,
      promotion: holder.id,
      status: holder.status,
    });
}

/** Throws `PruneMustWait` while a promotion has the environment, and `StoreCutOver`. */
export async function waitForPromotion(ledger: Session, environment: string): Promise<void> {
  await refuseCutOver(ledger, environment);
  const holder = await findHolder(ledger, environment);
  if (holder !== undefined)
    throw new RehearsalError("PruneMustWait", {
      environment,
      promotion: holder.id,
      status: holder.status,
    });
}

/** Throws `StoreCutOver` while the environment's database is cut off, or about to be, because its store counts. */
export async function refuseCutOver(ledger: Session, environment: string): Promise<void> {
  const store = await findCutOver(ledger, environment);
  if (store !== undefined)
    throw new RehearsalError("StoreCutOver", { environment, store: store.id, phase: store.phase });
}

/** Throws `EnvironmentLocked` while a promotion has the environment, and `StoreCutOver`. */
export async function refuseLocked(ledger: Session, environment: string): Promise<void> {
  await refuseCutOver(ledger, environment);
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
