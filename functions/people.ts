/** People as an admin keeps them: who there is, what they hold, and by what others vouch for them. Every change is in the log. */

import { type AccessRole, type Actor, EVERYWHERE, type Grant, tidy } from "../core/access.ts";
import type { Json } from "../core/canonical-json.ts";
import { RehearsalError } from "../core/errors.ts";
import { IAM_ISSUER, principalOf } from "../core/principal.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import {
  assertAdminLeft,
  type Identity,
  insertIdentity,
  insertPerson,
  lockPeople,
  type Person,
  readPerson,
  removeIdentity,
  replaceGrants,
  setDisabled,
} from "../io/ledger/people.ts";
import type { Session } from "../io/postgres/session.ts";
import { A_PERSON_WAITS, trySending } from "./outbox.ts";

/** Adds somebody who holds these roles. Throws `PersonExists`, and `NotFound` for an environment that is none. */
export async function addPerson(
  ledger: Session,
  { name, grants }: { name: string; grants: readonly Grant[] },
  by: Actor,
): Promise<Person> {
  return change(ledger, name, async () => {
    await assertEnvironments(ledger, grants);
    if (!(await insertPerson(ledger, name, by.person))) throw new RehearsalError("PersonExists", { name });
    await replaceGrants(ledger, name, tidy(grants));
    await tell(ledger, "added", name, by, { roles: shown(tidy(grants)) });
  });
}

/** Gives a person these roles in place of those they hold. Throws `NotFound`, and `LastAdmin`. */
export async function changeRoles(
  ledger: Session,
  { name, grants }: { name: string; grants: readonly Grant[] },
  by: Actor,
): Promise<Person> {
  return change(ledger, name, async () => {
    const before = await readPerson(ledger, name);
    await assertEnvironments(ledger, grants);
    await replaceGrants(ledger, name, tidy(grants));
    await assertAdminLeft(ledger, name);
    await tell(ledger, "roles-changed", name, by, {
      before: shown(before.grants),
      after: shown(tidy(grants)),
    });
  });
}

/**
 * Gives a person one role in an environment, or everywhere, in place of what they hold there; `null` takes it away. Who is
 * not known is added. Throws `NotFound` for an environment that is none, and `LastAdmin`.
 */
export async function changeRoleIn(
  ledger: Session,
  { name, environment, role }: { name: string; environment: string; role: AccessRole | null },
  by: Actor,
): Promise<Person> {
  return change(ledger, name, async () => {
    const wanted = role === null ? [] : [{ environment, role }];
    await assertEnvironments(ledger, wanted);
    const isNew = await insertPerson(ledger, name, by.person);
    // Read behind the lock: of two changes at once each keeps what the other has given.
    const { grants } = await readPerson(ledger, name);
    const kept = grants.filter((grant) => grant.environment !== environment);
    const after = tidy([...kept, ...wanted]);
    await replaceGrants(ledger, name, after);
    await assertAdminLeft(ledger, name);
    if (isNew) await tell(ledger, "added", name, by, { roles: shown(after) });
    else await tell(ledger, "roles-changed", name, by, { before: shown(grants), after: shown(after) });
  });
}

/** From now on nothing opens by any credential of theirs; or it does again. Throws `NotFound`, and `LastAdmin`. */
export async function changeDisabled(
  ledger: Session,
  { name, disabled }: { name: string; disabled: boolean },
  by: Actor,
): Promise<Person> {
  return change(ledger, name, async () => {
    const before = await readPerson(ledger, name);
    if ((before.disabledAt !== null) === disabled) return;
    await setDisabled(ledger, name, disabled);
    await assertAdminLeft(ledger, name);
    await tell(ledger, disabled ? "disabled" : "enabled", name, by, {});
  });
}

/** Takes whoever an issuer vouches for under that subject for this person. Throws `NotFound`, and `IdentityTaken`. */
export async function bindIdentity(
  ledger: Session,
  { name, ...told }: { name: string } & Identity,
  by: Actor,
): Promise<void> {
  const identity = asShown(told);
  await change(ledger, name, async () => {
    await readPerson(ledger, name);
    if (await insertIdentity(ledger, name, identity, by.person))
      await tell(ledger, "identity-bound", name, by, { ...identity });
  });
}

/** Throws `NotFound` when it is not theirs. */
export async function unbindIdentity(
  ledger: Session,
  { name, ...told }: { name: string } & Identity,
  by: Actor,
): Promise<void> {
  const identity = asShown(told);
  await change(ledger, name, async () => {
    if (!(await removeIdentity(ledger, name, identity)))
      throw new RehearsalError("NotFound", {
        what: "identity",
        name: `${identity.subject} of ${identity.issuer}`,
      });
    await tell(ledger, "identity-unbound", name, by, { ...identity });
  });
}

/** As the issuer's credentials will show it: AWS tells a role without its path. */
function asShown({ issuer, subject }: Identity): Identity {
  return { issuer, subject: issuer === IAM_ISSUER ? principalOf(subject) : subject };
}

/** As people write them: `prod=approver`. */
export function shown(grants: readonly Grant[]): string[] {
  return grants.map(({ environment, role }) => `${environment}=${role}`);
}

async function change(ledger: Session, name: string, work: () => Promise<void>): Promise<Person> {
  const person = await ledger.transaction(async () => {
    await lockPeople(ledger);
    await work();
    return readPerson(ledger, name);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return person;
}

/** A name that is mistyped would give nothing, and be noticed when it is needed. */
async function assertEnvironments(ledger: Session, grants: readonly Grant[]): Promise<void> {
  for (const { environment } of grants)
    if (environment !== EVERYWHERE) await readEnvironment(ledger, environment);
}

async function tell(
  ledger: Session,
  what: string,
  person: string,
  by: Actor,
  data: { [name: string]: Json },
): Promise<void> {
  const credential = `${by.credential.kind} ${by.credential.id}`;
  await appendEvent(ledger, { type: `person.${what}`, data: { person, ...data, by: by.person, credential } });
}
