/**
 * Notify: notices that are due go out. Runs when the bus tells of an event that people hear of, and by the clock; each
 * notice arrives at least once. Each destination is a lane of its own, so that one which is slow or away keeps none waiting.
 */
import { MOST_ATTEMPTS, nextAttempt } from "../../core/delivery.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import {
  claimDelivery,
  type Delivery,
  dueDestinations,
  markDead,
  markDelivered,
  postpone,
} from "../../io/ledger/deliveries.ts";
import { type Destination, disableDestination, findDestination } from "../../io/ledger/destinations.ts";
import { appendEvent, lockLog } from "../../io/ledger/events.ts";
import { milestone } from "../../io/milestone.ts";
import type { Session } from "../../io/postgres/session.ts";
import { invoked, timeLeft } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { type Outcome, parcelOf, send } from "../notices.ts";
import { trySending } from "../outbox.ts";

/** Destinations that are sent to at once. */
const LANES = 8;

/** Milliseconds that must be left for another attempt: it takes ten seconds at most, and has to be noted. */
const RESERVE = 20_000;

/** Tells how many arrived and how many did not. */
export const handler = invoked(async () => {
  const ledger = await openLedger("notify");
  try {
    const tally = { delivered: 0, failed: 0 };
    const mayGoOn = () => timeLeft() > RESERVE;
    const queue = await dueDestinations(ledger);
    const alone = oneAtATime();
    const work = async () => {
      for (let name = queue.shift(); name !== undefined && mayGoOn(); name = queue.shift())
        await serve(name, { ledger, alone, mayGoOn, tally });
    };
    await Promise.all(Array.from({ length: LANES }, work));
    if (tally.failed > 0) await trySending(ledger);
    if (tally.delivered + tally.failed > 0) log.info("sent", tally);
    return tally;
  } finally {
    await ledger.close();
  }
});

interface Lane {
  ledger: Session;
  /** The lanes share a session, and a transaction of one must hold nothing of another. */
  alone: <T>(work: () => Promise<T>) => Promise<T>;
  mayGoOn: () => boolean;
  tally: { delivered: number; failed: number };
}

/** Sends what is due for one destination, oldest first, until something does not arrive. */
async function serve(name: string, { ledger, alone, mayGoOn, tally }: Lane): Promise<void> {
  while (mayGoOn()) {
    const claimed = await alone(async () => {
      const destination = await findDestination(ledger, name);
      const delivery = await claimDelivery(ledger, name);
      if (destination === undefined || delivery === undefined) return undefined;
      return { destination, delivery, parcel: await parcelOf(ledger, delivery) };
    });
    if (claimed === undefined) return;
    const { destination, delivery, parcel } = claimed;
    const about = parcel.event?.promotion ?? name;
    milestone(about, "notify", "claimed");
    const outcome = await send(destination, parcel);
    milestone(about, "notify", "sent");
    await alone(() => ledger.transaction(() => note(ledger, destination, delivery, outcome)));
    if (outcome.arrived) tally.delivered++;
    else tally.failed++;
    if (!outcome.arrived) return;
  }
}

/** Marks what became of an attempt. What is given up is told in the log alone: a notice of it would have nowhere to go. */
async function note(
  ledger: Session,
  { name }: Destination,
  delivery: Delivery,
  outcome: Outcome,
): Promise<void> {
  if (outcome.arrived) return markDelivered(ledger, delivery);
  const { error, gone, retryAfter } = outcome;
  const seconds = gone ? undefined : nextAttempt(delivery.attempts, { chance: Math.random(), retryAfter });
  if (seconds !== undefined) return void (await postpone(ledger, delivery, { seconds, error }));
  await lockLog(ledger);
  if (await markDead(ledger, delivery, error)) {
    const { seq, attempts } = delivery;
    const data = { destination: name, notice: seq, attempts, most: MOST_ATTEMPTS, reason: error };
    await appendEvent(ledger, { type: "notice.undeliverable", data });
  }
  if (!gone) return;
  const givenUp = await disableDestination(ledger, name, error);
  if (givenUp !== undefined)
    await appendEvent(ledger, {
      type: "destination.disabled",
      data: { destination: name, reason: error, givenUp },
    });
}

function oneAtATime(): Lane["alone"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    // Whoever waits behind a failure does its own work all the same.
    last = next.catch(() => undefined);
    return next;
  };
}
