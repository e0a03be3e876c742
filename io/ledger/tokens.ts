/** Attempts at what has one row in the ledger: each takes a larger fencing token, which makes every older one a zombie. */
import type { Session } from "../postgres/session.ts";

/** Begins an attempt at the row, which the caller holds and knows not to have ended. */
export async function takeToken(
  session: Session,
  table: "prunes" | "tasks",
  id: string,
): Promise<{ attempt: number; token: number }> {
  const [row] = await session.query<{ attempt: number; token: string }>(
    `update ledger.${table} set status = 'running', token = nextval('ledger.fencing_tokens'),
        attempt = greatest(attempt, (select attempts_above from ledger.interrupted where id = $1)) + 1,
        started_at = coalesce(started_at, now())
      where id = $1 returning attempt, token`,
    [id],
  );
  if (row === undefined) throw new Error("an update returned no row");
  return { attempt: row.attempt, token: Number(row.token) };
}
