/** Sessions: what the page's cookie holds in place of a credential. The API itself never looks at one. */
import { randomBytes } from "node:crypto";
import { type Actor, type Credential, narrow } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { type KeyRow, readKey } from "../../io/ledger/keys.ts";
import { readPerson } from "../../io/ledger/people.ts";
import {
  findSession,
  type Holder,
  insertSession,
  endSession as markEnded,
} from "../../io/ledger/sessions.ts";
import { newCredentialId } from "../../io/new-id.ts";
import type { Session } from "../../io/postgres/session.ts";
import { actorOf, unauthorized } from "./actor.ts";
import { scopeOfKey } from "./keys.ts";

/** A day of work; a key's expiry ends it sooner. */
const SESSION_SECONDS = 12 * 3600;

/** A secret of 256 bits, and the id by which the log may speak of it. */
export function newSecret(): { token: string; id: string } {
  return { token: randomBytes(32).toString("base64url"), id: newCredentialId() };
}

/** Begins a session of whoever has just shown a credential; only the token's hash is kept. */
export async function startSession(
  ledger: Session,
  actor: Actor,
): Promise<{ token: string; expiresAt: Date }> {
  const { token, id } = newSecret();
  const expiresAt = await insertSession(
    ledger,
    token,
    { id, ...heldBy(actor) },
    { seconds: SESSION_SECONDS, until: await endOf(ledger, actor.credential) },
  );
  return { token, expiresAt };
}

/** Whose session it is, and what they may now. Throws `Unauthorized` when it has ended, or its key has. */
export async function actorOfSession(ledger: Session, token: string): Promise<Actor> {
  const found = await findSession(ledger, token);
  if (found === undefined) throw unauthorized("the session is over");
  return actorOfHolder(ledger, found);
}

export async function endSession(ledger: Session, token: string): Promise<void> {
  await markEnded(ledger, token);
}

/**
 * In whose name, and within what, something is handed out that speaks for the actor later: a key is asked again each
 * time, so that revoking it ends what began with it; of any other credential the grants of now are the most.
 */
export function heldBy({ person, credential, grants, pipeline }: Actor): Omit<Holder, "id"> {
  // It has its token again at any time, and what it is held to would be lost.
  if (pipeline !== undefined)
    throw new RehearsalError("PipelineHeld", { person, may: "it begins no sessions" });
  if (credential.kind === "key") return { person, key: credential.id, scope: null };
  return { person, key: credential.key ?? null, scope: [...grants] };
}

/** The actor that such a thing speaks for. Throws `Unauthorized`. */
export async function actorOfHolder(ledger: Session, held: Holder): Promise<Actor> {
  const person = await readPerson(ledger, held.person);
  const ofKey = held.key === null ? null : await scopeOfKey(ledger, held.key);
  const credential = { kind: "session" as const, id: held.id, ...(held.key !== null && { key: held.key }) };
  const actor = actorOf(person, credential, held.scope);
  return { ...actor, grants: narrow(actor.grants, ofKey) };
}

/** The key behind a credential; undefined where there is none. */
export async function keyBehind(ledger: Session, { kind, id, key }: Credential): Promise<KeyRow | undefined> {
  const behind = kind === "key" ? id : key;
  return behind === undefined ? undefined : readKey(ledger, behind);
}

/** When that key ends; null where there is none, or it has no end. */
export async function endOf(ledger: Session, credential: Credential): Promise<Date | null> {
  return (await keyBehind(ledger, credential))?.expiresAt ?? null;
}
