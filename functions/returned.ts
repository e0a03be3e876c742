/** Records that were pruned and are back: a state of the database from before has taken the environment's place, and people are told. */
import { appendEvent } from "../io/ledger/events.ts";
import { markReturned } from "../io/ledger/prune-records.ts";
import type { Session } from "../io/postgres/session.ts";

/** Records that an event names. */
const NAMED = 100;

/**
 * Notes which records have again what was pruned of them: those whose act does not stand in the database that is the environment's
 * from now on. Must be called inside the transaction that says so.
 */
export async function tellReturned(
  ledger: Session,
  environment: string,
  pruned: readonly { id: string; record: string }[],
): Promise<void> {
  const back = await markReturned(
    ledger,
    environment,
    pruned.map(({ id, record }) => ({ prune: id, record })),
  );
  if (back.length === 0) return;
  await appendEvent(ledger, {
    type: "environment.records-returned",
    environment,
    data: {
      count: back.length,
      records: back.slice(0, NAMED).map(({ record, policy, prune }) => `${record} of ${policy} (${prune})`),
    },
    announce: true,
  });
}
