/** Placing and releasing holds: what is held is not pruned from the moment on that the hold is told. */
import { RehearsalError } from "../core/errors.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { endHold, type Hold, insertHold, lockHolds, readHold } from "../io/ledger/holds.ts";
import { newId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { A_PERSON_WAITS, trySending } from "./outbox.ts";

interface HoldRequest {
  environment: string;
  /** A hold may come before the policy does, and stay behind it. */
  policy: string;
  /** Null holds every record of the policy. */
  record: string | null;
  reason: string;
  by: string;
}

/** Places a hold, or gives the one that stands in the same words. Whatever is being deleted at this moment is waited for. */
export async function placeHold(ledger: Session, request: HoldRequest): Promise<Hold> {
  const { name } = await readEnvironment(ledger, request.environment);
  const hold = await ledger.transaction(async () => {
    await lockHolds(ledger, name, "alone");
    return holdWithin(ledger, request);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return hold;
}

/** The same inside a transaction that has `lockHolds` alone. */
export async function holdWithin(ledger: Session, { by, ...request }: HoldRequest): Promise<Hold> {
  const id = newId("hold");
  const hold = await insertHold(ledger, { ...request, id, placedBy: by });
  if (hold.id === id)
    await appendEvent(ledger, {
      type: "hold.placed",
      environment: request.environment,
      data: { hold: id, policy: request.policy, record: request.record, reason: request.reason, by },
    });
  return hold;
}

/** Lets what was held be pruned again. Throws `NotFound` and `HoldReleased`. */
export async function releaseHold(
  ledger: Session,
  { hold: id, by, reason }: { hold: string; by: string; reason: string },
): Promise<Hold> {
  const released = await ledger.transaction(async () => {
    const hold = await readHold(ledger, id, "lock");
    if (hold.releasedBy !== null) throw new RehearsalError("HoldReleased", { hold: id, by: hold.releasedBy });
    const { environment, policy, record } = hold;
    await appendEvent(ledger, {
      type: "hold.released",
      environment,
      data: { hold: id, policy, record, reason, by },
    });
    return endHold(ledger, id, by, reason);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return released;
}
