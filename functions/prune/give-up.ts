/** Give up: a batch has failed for good. What of it has lost no rows comes to its end; the rest is finished by a later execution. */
import type { Json } from "../../core/canonical-json.ts";
import { isHalfPruned, isRecordEnded } from "../../core/prunes.ts";
import { beginBatch, updateRecord } from "../../io/ledger/prune-records.ts";
import type { Session } from "../../io/postgres/session.ts";
import { deathOf, type PruneInput } from "./context.ts";

export async function giveUp(ledger: Session, input: PruneInput): Promise<Json> {
  const { prune, batch = 0 } = input;
  return ledger.transaction(async () => {
    // A last attempt takes the batch from whoever may still be at it.
    const { records } = await beginBatch(ledger, prune, batch);
    let left = 0;
    for (const { record, status, error } of records) {
      if (isRecordEnded(status) || isHalfPruned(status)) continue;
      left++;
      const why = error ?? deathOf(input);
      // A promotion that was in the way has not failed anything.
      const end = why.code === "PruneMustWait" ? "refused" : "failed";
      await updateRecord(ledger, { prune, record }, { status: end, error: why });
    }
    return { left };
  });
}
