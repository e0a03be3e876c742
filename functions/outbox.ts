/** Telling the outside what the ledger has committed: the log's copies in the bucket, notices on the bus. */
import type { EventContent, LogEntry } from "../core/log.ts";
import { measuresOf } from "../core/metrics.ts";
import { copyChanges, renewCopy } from "../io/ledger/copies.ts";
import { drainOutbox } from "../io/ledger/outbox.ts";
import { lockingStore } from "../io/object-lock.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { log } from "../io/telemetry/log.ts";
import { measure } from "../io/telemetry/measure.ts";
import { artifacts, eventBus, requiredVariable } from "./clients.ts";

/** Sends what the ledger has committed and the outside does not know yet. */
export async function sendOutbox(ledger: Session): Promise<void> {
  await sendBy(ledger, (call) => call);
}

type Wait = <T>(call: Promise<T>) => Promise<T>;

/** `wait` stands between each call to the outside and the ledger, which hears of nothing that it throws for. */
async function sendBy(ledger: Session, wait: Wait): Promise<void> {
  const store = lockedStore();
  await drainOutbox(
    ledger,
    {
      ...store,
      putOnce: (...put) => wait(store.putOnce(...put)),
      get: (key) => wait(store.get(key)),
    },
    { putEvents: (...put) => wait(eventBus.putEvents(...put)) },
    requiredVariable("REHEARSAL_EVENT_BUS"),
    (entry) => wait(count(entry)),
  );
}

/** Objects that one run of the clock spends on rows which did not change. */
const RENEWED_AT_ONCE = 50;

/** Sees to it that the ledger's copy is whole, and need not be read from years ago: by and by, for all rows are copied for it. */
export async function keepCopyWhole(ledger: Session): Promise<void> {
  await renewCopy(ledger);
  await copyChanges(ledger, lockedStore(), { whole: RENEWED_AT_ONCE });
}

/** What is kept of the log and the ledger nobody removes for REHEARSAL_LOG_LOCK_DAYS; said only of a bucket with Object Lock. */
function lockedStore(): ObjectStore {
  const days = Number(process.env.REHEARSAL_LOG_LOCK_DAYS ?? 0);
  return days > 0 ? lockingStore(artifacts(), new Date(Date.now() + days * 86_400_000)) : artifacts();
}

/** What an event counts for is told once its copy is kept, and before its row is forgotten: at least once, as all of it. */
async function count({ body }: LogEntry): Promise<void> {
  await measure(...measuresOf(JSON.parse(body) as EventContent));
}

/** Milliseconds that a step waits for the outside to take what it has to tell. */
const SENDING = 20_000;

/** The same for a request, of whose time a look may have had the most. */
export const A_PERSON_WAITS = 2_000;

/**
 * What a step has committed stands, whether the outside can be told now or not: what cannot be sent stays in the outbox,
 * for the next step and the reconciler. Were it the step's failure, a bucket that is away would take production back.
 * Nothing uses the session any longer when this has ended: what was given up would go on inside the caller's transactions.
 */
export async function trySending(ledger: Session, patience = SENDING): Promise<void> {
  const deadline = Promise.withResolvers<never>();
  // It may pass while no call is under way.
  deadline.promise.catch(() => undefined);
  const timer = setTimeout(() => deadline.reject(new Error(`not within ${patience} ms`)), patience);
  try {
    await sendBy(ledger, (call) => Promise.race([call, deadline.promise]));
  } catch (error) {
    log.warn("the outbox waits", { reason: error instanceof Error ? error.message : String(error) });
  } finally {
    clearTimeout(timer);
  }
}
