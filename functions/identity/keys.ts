/** API keys: `rk_ID_SECRET`, of which the id may be told and the rest is 256 random bits. */
import { randomBytes } from "node:crypto";
import type { Actor, Grant } from "../../core/access.ts";
import { findKey, type KeyRow, noteUse, readKey } from "../../io/ledger/keys.ts";
import { readPerson } from "../../io/ledger/people.ts";
import { newCredentialId } from "../../io/new-id.ts";
import type { Session } from "../../io/postgres/session.ts";
import { actorOf, unauthorized } from "./actor.ts";

/** A new key with its id. It is in no ledger yet. */
export function newKey(): { id: string; key: string } {
  const id = newCredentialId();
  return { id, key: `rk_${id}_${randomBytes(32).toString("base64url")}` };
}

/** Whose key it is, and what it may; notes the use. Throws `Unauthorized`. */
export async function actorOfKey(ledger: Session, key: string): Promise<Actor> {
  const found = await findKey(ledger, key);
  if (found === undefined) throw unauthorized("the key is not known");
  const actor = await standing(ledger, found);
  if (!found.noted) await noteUse(ledger, found.id);
  return actor;
}

/** What a known key is still good for: sessions that began with it ask anew each time. Throws `Unauthorized`. */
export async function scopeOfKey(ledger: Session, id: string): Promise<Grant[] | null> {
  const found = await readKey(ledger, id);
  refuseOver(found);
  return found.scope;
}

async function standing(ledger: Session, found: KeyRow): Promise<Actor> {
  refuseOver(found);
  const person = await readPerson(ledger, found.person);
  return actorOf(person, { kind: "key", id: found.id }, found.scope);
}

function refuseOver({ id, revokedAt, expiresAt, expired }: KeyRow): void {
  if (revokedAt !== null) throw unauthorized(`the key ${id} was revoked`);
  if (expired) throw unauthorized(`the key ${id} expired at ${expiresAt?.toISOString()}`);
}
