/** What nobody reports by itself, because it is no event: how old, and how many. */
import type { Session } from "../postgres/session.ts";

/**
 * Seconds since the snapshot of each environment's newest backup that a restore has proved; since its registration where
 * there is none.
 */
export async function verifiedBackupAges(
  session: Session,
): Promise<{ environment: string; seconds: number }[]> {
  return session.query(
    `select e.name as environment,
        greatest(0, extract(epoch from now() - coalesce(max(b.taken_at), e.created_at)))::float8 as seconds
      from ledger.environments e
        left join ledger.backups b on b.environment = e.name and b.status = 'verified' and b.verified_by = 'restore'
          and b.expiring_at is null
      group by e.name, e.created_at order by 1`,
  );
}

/** Promotions that wait for an operator, and seconds that the oldest committed event has waited to be told outside. */
export async function whatWaits(session: Session): Promise<{ held: number; outboxSeconds: number }> {
  const [row] = await session.query<{ held: number; outboxSeconds: number }>(
    `select (select count(*)::int from ledger.promotions where status = 'held') as held,
        coalesce((select greatest(0, extract(epoch from now() - (e.body::jsonb ->> 'at')::timestamptz))
          from ledger.outbox o join ledger.events e using (seq) order by o.id limit 1), 0)::float8 as "outboxSeconds"`,
  );
  return row ?? { held: 0, outboxSeconds: 0 };
}
