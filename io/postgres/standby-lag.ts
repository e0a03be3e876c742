/** How far the server's standbys are behind it. */
import type { Session } from "./session.ts";

/** Bytes of log that the slowest standby has not replayed; 0 without one, or for a role that may not see them (pg_monitor may). */
export async function standbyLag(session: Session): Promise<number> {
  const [row] = await session.query<{ bytes: number | null }>(
    `select max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))::float8 as bytes
      from pg_stat_replication where state in ('streaming', 'catchup')`,
  );
  return Math.max(0, row?.bytes ?? 0);
}
