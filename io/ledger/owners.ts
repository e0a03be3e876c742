/** What the ledger says of promotions and tasks whose traces were found: whether they have ended for good, and which attempt is their newest. */
import type { Session } from "../postgres/session.ts";

interface Owner {
  id: string;
  /** No step and no attempt will ever run again; a held promotion may still go back, and has not ended. */
  ended: boolean;
  /** When it did. */
  endedAt: Date | null;
  /** By step, its newest attempt; a step that has not begun is not in it. A task's stands under `task`. */
  newest: Record<string, number>;
}

/** Promotions and tasks by their ids; those the ledger does not know are not in it. */
export async function readOwners(session: Session, ids: readonly string[]): Promise<Map<string, Owner>> {
  const found = await session.query<Owner>(
    `select id, status in ('promoted', 'nothing-to-do', 'rehearsed', 'refused', 'rolled-back') as ended,
        ended_at as "endedAt", coalesce((select jsonb_object_agg(step, newest) from
          (select step, max(attempt) as newest from ledger.steps where promotion = id group by step) as of), '{}') as newest
      from ledger.promotions where id = any ($1::text[])
      union all select id, status in ('succeeded', 'failed'), ended_at, jsonb_build_object('task', attempt) from ledger.tasks where id = any ($1::text[])`,
    [ids],
  );
  return new Map(found.map((owner) => [owner.id, owner]));
}

/** By backup, the task that was to take it. */
export async function readTasksOfBackups(
  session: Session,
  backups: readonly string[],
): Promise<Map<string, string>> {
  const found = await session.query<{ id: string; backup: string }>(
    "select id, input->>'backup' as backup from ledger.tasks where kind = 'back-up' and input->>'backup' = any ($1::text[])",
    [backups],
  );
  return new Map(found.map(({ id, backup }) => [backup, id]));
}

/** Those of the backups that the ledger has recorded, whatever became of them. */
export async function recordedBackups(session: Session, backups: readonly string[]): Promise<Set<string>> {
  const found = await session.query<{ id: string }>(
    "select id from ledger.backups where id = any ($1::text[])",
    [backups],
  );
  return new Set(found.map(({ id }) => id));
}
