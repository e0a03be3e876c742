/** Requests that carry an Idempotency-Key: each is done once, and a repetition gets the same answer. */
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

interface KeyedRequest {
  person: string;
  key: string;
  bodySha256: string;
}

/** What a request may have started: the column that names it. */
export type Started = "promotion" | "task" | "prune";

/**
 * Claims a key; returns the id of what came of it when it was claimed before, and throws `IdempotencyKeyReused`
 * when that was with another body, or of another kind. Must be called inside a transaction: until it ends, the same key waits.
 */
export async function claimRequest(
  session: Session,
  request: KeyedRequest,
  kind: Started,
): Promise<string | undefined> {
  const claimed = await session.query(
    `insert into ledger.requests (person, key, body_sha256) values ($1, $2, $3) on conflict do nothing returning key`,
    [request.person, request.key, request.bodySha256],
  );
  if (claimed.length > 0) return undefined;
  const [earlier] = await session.query<{ sha256: string } & Record<Started, string | null>>(
    `select body_sha256 as "sha256", promotion, task, prune from ledger.requests where person = $1 and key = $2`,
    [request.person, request.key],
  );
  const id = earlier?.[kind] ?? null;
  if (earlier === undefined || id === null || earlier.sha256 !== request.bodySha256)
    throw new RehearsalError("IdempotencyKeyReused", { key: request.key });
  return id;
}

/** Notes what came of a claimed request, in the transaction that claimed it. */
export async function answerRequest(
  session: Session,
  request: KeyedRequest,
  kind: Started,
  id: string,
): Promise<void> {
  await session.query(`update ledger.requests set ${kind} = $3 where person = $1 and key = $2`, [
    request.person,
    request.key,
    id,
  ]);
}
