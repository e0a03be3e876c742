/** Close: a prune goes no further. What has lost no rows comes to its end with the reason, and people are told what is half done. */
import type { Json } from "../../core/canonical-json.ts";
import type { ErrorRecord } from "../../core/errors.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { leaveRecords, totalsOf } from "../../io/ledger/prune-records.ts";
import { beginPrune, endPrune, readPrune } from "../../io/ledger/prunes.ts";
import type { Session } from "../../io/postgres/session.ts";
import { trySending } from "../outbox.ts";
import { deathOf, type PruneInput } from "./context.ts";
import { countHalfDone } from "./totals.ts";

/** What says no to the whole of a prune; anything else is a failure. */
const REFUSALS: ReadonlySet<string> = new Set([
  "PolicyChanged",
  "PolicyUnknown",
  "RetentionRefused",
  "PruneMustWait",
]);

export async function close(ledger: Session, input: PruneInput): Promise<Json> {
  const { prune: id } = input;
  const closed = await ledger.transaction(async () => {
    // A last attempt takes the prune from whoever may still be at it.
    const { attempt } = await beginPrune(ledger, id);
    if (attempt === undefined) return undefined;
    const prune = await readPrune(ledger, id);
    const error = prune.error ?? deathOf(input);
    await leaveRecords(ledger, id, error);
    return endBadly(ledger, prune, error);
  });
  await trySending(ledger);
  if (closed !== undefined) return closed;
  const { status, error } = await readPrune(ledger, id);
  return error === null ? { ended: status } : { ended: "failed", message: error.message };
}

/** Ends a prune that is not all done; the caller has its row. */
export async function endBadly(
  ledger: Session,
  { id, environment, policy }: { id: string; environment: string; policy: string },
  error: ErrorRecord,
  report?: { key: string; sha256: string },
): Promise<Json> {
  const counts = await totalsOf(ledger, id);
  const halfDone = countHalfDone(counts);
  const status = halfDone === 0 && REFUSALS.has(error.code) ? "refused" : "failed";
  await endPrune(ledger, id, { status, counts, error, ...(report && { report }) });
  await appendEvent(ledger, {
    type: `prune.${status}`,
    environment,
    data: { prune: id, policy, code: error.code, message: error.message, halfDone, counts: { ...counts } },
    announce: true,
  });
  return { ended: "failed", message: error.message };
}
