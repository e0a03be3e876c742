/** Who speaks, once a credential has proved it: the person as the ledger has them now, narrowed to what the credential may. */
import { type Actor, type Credential, type Grant, narrow } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Person } from "../../io/ledger/people.ts";

/** The actor; throws `Unauthorized` for a person who is disabled, by whatever credential. A scope of null is the whole. */
export function actorOf(person: Person, credential: Credential, scope: readonly Grant[] | null): Actor {
  if (person.disabledAt !== null) throw unauthorized(`"${person.name}" is disabled`);
  return { person: person.name, credential, grants: narrow(person.grants, scope) };
}

/** The one refusal of a credential; the reason never repeats the credential. */
export function unauthorized(reason: string): RehearsalError {
  return new RehearsalError("Unauthorized", { reason });
}
