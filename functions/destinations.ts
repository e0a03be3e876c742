/** Destinations of notices: registered, tried, removed. The way there is in Secrets Manager, under a name of its own each time. */
import { newSigningSecret } from "../core/delivery.ts";
import { type DestinationSettings, shownTarget } from "../core/destination.ts";
import { RehearsalError } from "../core/errors.ts";
import { reviveDead } from "../io/ledger/deliveries.ts";
import {
  type Destination,
  findDestination,
  putDestination,
  readDestination,
  removeDestination,
} from "../io/ledger/destinations.ts";
import { appendEvent, lockLog } from "../io/ledger/events.ts";
import { newCredentialId } from "../io/new-id.ts";
import { assertReach } from "../io/outside-request.ts";
import type { Session } from "../io/postgres/session.ts";
import { secretName, secrets } from "./clients.ts";
import { emailSender, reachOfNotices, send, testParcel, type Way } from "./notices.ts";
import { A_PERSON_WAITS, trySending } from "./outbox.ts";

/** Registers it, or replaces what stands under its name. `secret` is what a webhook is signed with, where it is a new one. */
export async function registerDestination(
  ledger: Session,
  name: string,
  settings: DestinationSettings,
  by: string,
): Promise<{ destination: Destination; secret?: string }> {
  assertSendable(settings);
  const before = await findDestination(ledger, name);
  const signing = await signingSecret(settings, before);
  // Written before the ledger names it: whoever dies in between leaves a secret that nobody uses, and nothing half.
  const secret = secretName("destinations", `${name}-${newCredentialId()}`);
  const way: Way = { target: settings.target, ...(signing && { signing: signing.secret }) };
  await secrets.writeSecret(secret, JSON.stringify(way));
  const row = {
    name,
    kind: settings.kind,
    address: shownTarget(settings),
    environments: settings.environments ?? null,
    notices: settings.notices,
  };
  const replaced = await ledger.transaction(async () => {
    await lockLog(ledger);
    const standing = await findDestination(ledger, name);
    // Somebody else has replaced it meanwhile, and with it perhaps the secret that we took over.
    if (standing?.secret !== before?.secret) throw new RehearsalError("DestinationChanged", { name });
    await putDestination(ledger, { ...row, secret, changedBy: by });
    const data = {
      destination: name,
      before: told(before),
      after: told(row),
      newSecret: signing?.isNew ?? false,
      by,
    };
    await appendEvent(ledger, { type: "destination.changed", data });
    return standing;
  });
  if (replaced !== undefined) await secrets.removeSecret(replaced.secret);
  await trySending(ledger, A_PERSON_WAITS);
  const destination = await readDestination(ledger, name);
  return { destination, ...(signing?.isNew && { secret: signing.secret }) };
}

/** Throws `NotFound`. What was on its way there is not sent. */
export async function unregisterDestination(ledger: Session, name: string, by: string): Promise<void> {
  const destination = await ledger.transaction(async () => {
    await lockLog(ledger);
    const destination = await readDestination(ledger, name);
    await appendEvent(ledger, {
      type: "destination.removed",
      data: { destination: name, before: told(destination), by },
    });
    await removeDestination(ledger, name);
    return destination;
  });
  await secrets.removeSecret(destination.secret);
  await trySending(ledger, A_PERSON_WAITS);
}

/** Sends a word there now, once; undefined when it arrived, else why it did not. */
export async function tryDestination(ledger: Session, name: string, by: string): Promise<string | undefined> {
  const outcome = await send(await readDestination(ledger, name), testParcel(by));
  return outcome.arrived ? undefined : outcome.error;
}

/** Sends what was given up again; returns how much it is. Throws `DestinationDisabled`. */
export async function redeliver(ledger: Session, name: string, by: string): Promise<number> {
  const { disabledAt, disabledBecause } = await readDestination(ledger, name);
  if (disabledAt !== null)
    throw new RehearsalError("DestinationDisabled", { name, reason: disabledBecause ?? "it was disabled" });
  const count = await ledger.transaction(async () => {
    await lockLog(ledger);
    const count = await reviveDead(ledger, name);
    if (count > 0)
      await appendEvent(ledger, { type: "destination.redelivered", data: { destination: name, count, by } });
    return count;
  });
  await trySending(ledger, A_PERSON_WAITS);
  return count;
}

/** Throws `EmailSenderMissing`, or `InputInvalid` for an address that nothing may be sent to. */
function assertSendable({ kind, target }: DestinationSettings): void {
  if (kind === "email") return void emailSender();
  try {
    assertReach(new URL(target), reachOfNotices());
  } catch (error) {
    throw new RehearsalError("InputInvalid", {
      what: "the destination",
      problems: `target: ${(error as Error).message}`,
    });
  }
}

/** A webhook keeps the secret that it had, unless another is asked for; undefined for what is not signed. */
async function signingSecret(
  { kind, newSecret }: DestinationSettings,
  before: Destination | undefined,
): Promise<{ secret: string; isNew: boolean } | undefined> {
  if (kind !== "webhook") return undefined;
  if (before?.kind === "webhook" && !newSecret) {
    const { signing } = JSON.parse(await secrets.readSecret(before.secret)) as Way;
    if (signing !== undefined) return { secret: signing, isNew: false };
  }
  return { secret: newSigningSecret(), isNew: true };
}

/** What stands in the log of a destination: nothing that opens anything. */
function told(destination: Pick<Destination, "kind" | "address" | "environments" | "notices"> | undefined) {
  if (destination === undefined) return null;
  const { kind, address, environments, notices } = destination;
  return { kind, address, environments, notices };
}
