/** Records that were pruned and are back: a state of the database from before has taken the environment's place, and people are told. */
import { appendEvent } from "../io/ledger/events.ts";
import { markGoneAgain, markReturned } from "../io/ledger/prune-records.ts";
import type { Session } from "../io/postgres/session.ts";
import { log } from "../io/telemetry/log.ts";

/** Records that an event names. */
const NAMED = 100;

/**
 * Notes which records have again what was pruned of them: those whose act does not stand in the database that is the environment's
 * from now on. Those that were brought back, and of which the database only knows that they were pruned, are gone again: they may be
 * brought back once more. Must be called inside the transaction that says so.
 */
export async function tellReturned(
  ledger: Session,
  environment: string,
  acts: Record<"pruned" | "restored", readonly { id: string; record: string }[]>,
): Promise<void> {
  const pairs = (of: keyof typeof acts) => acts[of].map(({ id, record }) => ({ prune: id, record }));
  const gone = await markGoneAgain(ledger, environment, pairs("pruned"), pairs("restored"));
  if (gone.length > 0) log.warn("records that were brought back are gone again", { count: gone.length });
  const back = await markReturned(ledger, environment, pairs("pruned"));
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
