/** Starting something once for each Idempotency-Key: a repetition finds what the first request started. */
import { digestOf } from "../core/digest.ts";
import { answerRequest, claimRequest, type Started } from "../io/ledger/requests.ts";
import type { Session } from "../io/postgres/session.ts";

export interface Asker {
  person: string;
  /** The Idempotency-Key, when there was one. */
  key: string | undefined;
}

/**
 * Runs `insert` inside a transaction and gives the id of what it made; with a key that came before, the id of what was
 * made then. Throws `IdempotencyKeyReused` when that was with another body.
 */
export async function startOnce(
  ledger: Session,
  { person, key }: Asker,
  { kind, body }: { kind: Started; body: object },
  insert: () => Promise<string>,
): Promise<{ id: string; repeated: boolean }> {
  const keyed = key && { person, key, bodySha256: digestOf({ ...body }) };
  return ledger.transaction(async () => {
    const earlier = keyed ? await claimRequest(ledger, keyed, kind) : undefined;
    if (earlier !== undefined) return { id: earlier, repeated: true };
    const id = await insert();
    if (keyed) await answerRequest(ledger, keyed, kind, id);
    return { id, repeated: false };
  });
}
