/** Keys as people make and revoke them: none gives more than its person holds, nor more than whoever makes it may. */
import { type Actor, covers, EVERYWHERE, type Grant, may, tidy } from "../core/access.ts";
import { RehearsalError } from "../core/errors.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { insertKey, type KeyRow, readKey, revokeKey } from "../io/ledger/keys.ts";
import { readPerson } from "../io/ledger/people.ts";
import type { Session } from "../io/postgres/session.ts";
import { newKey } from "./identity/keys.ts";
import { forbidden } from "./identity/refused.ts";
import { keyBehind } from "./identity/sessions.ts";
import { A_PERSON_WAITS, trySending } from "./outbox.ts";
import { shown } from "./people.ts";

interface KeyRequest {
  person: string;
  label: string;
  /** What it may use of what its person holds; all that its maker may hand on when left out. */
  scope?: readonly Grant[];
  /** Never when left out, unless its maker's key ends: then with that. */
  expiresAt?: Date;
}

/**
 * Makes a key; its text is in the answer and nowhere else. For oneself it gives at most what one's own credential may, and
 * ends with it; an admin of everything makes keys for others. Throws `Forbidden`, `NotFound`, and `ScopeTooWide`.
 */
export async function createKey(
  ledger: Session,
  request: KeyRequest,
  by: Actor,
): Promise<{ row: KeyRow; key: string }> {
  const { person, label } = request;
  refusePipeline(by);
  if (person !== by.person && !may(by, "administer", EVERYWHERE))
    throw forbidden(by, "administer", EVERYWHERE);
  const behind = await keyBehind(ledger, by.credential);
  const { id, key } = newKey();
  const row = await ledger.transaction(async () => {
    const { grants, disabledAt } = await readPerson(ledger, person);
    const whole = (behind?.scope ?? null) === null && covers(by.grants, grants);
    const scope = person === by.person ? ownScope(by, whole, request.scope) : (request.scope ?? null);
    if (disabledAt !== null)
      throw new RehearsalError("InputInvalid", { what: "the key", problems: `"${person}" is disabled` });
    const expiresAt = sooner(request.expiresAt ?? null, behind?.expiresAt ?? null);
    const tidied = scope && tidy(scope);
    await insertKey(ledger, {
      ...{ id, key, person, label, expiresAt },
      scope: tidied,
      createdBy: by.person,
      createdWith: nameOf(by),
    });
    await appendEvent(ledger, {
      type: "key.created",
      data: {
        ...{ key: id, person, label },
        scope: tidied && shown(tidied),
        expiresAt: expiresAt?.toISOString() ?? null,
        ...{ by: by.person, credential: nameOf(by) },
      },
    });
    return readKey(ledger, id);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return { row, key };
}

/** Revokes one's own key, or as an admin of everything anybody's; safe to do twice. Of others' keys it throws `NotFound`. */
export async function revoke(ledger: Session, id: string, by: Actor): Promise<KeyRow> {
  const row = await ledger.transaction(async () => {
    const found = await readKey(ledger, id, "lock");
    if (found.person !== by.person && !may(by, "administer", EVERYWHERE))
      throw new RehearsalError("NotFound", { what: "key", name: id });
    if (found.revokedAt !== null) return found;
    await revokeKey(ledger, id, by.person);
    await appendEvent(ledger, {
      type: "key.revoked",
      data: { key: id, person: found.person, label: found.label, by: by.person, credential: nameOf(by) },
    });
    return readKey(ledger, id);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return row;
}

/** Null, the whole of what its person will ever hold, is only for whoever speaks with the whole of it. */
function ownScope(by: Actor, whole: boolean, wanted: readonly Grant[] | undefined): readonly Grant[] | null {
  if (wanted === undefined) return whole ? null : by.grants;
  if (covers(by.grants, wanted)) return wanted;
  throw new RehearsalError("ScopeTooWide", { person: by.person, scope: shown(wanted).join(", ") });
}

function sooner(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

/** It has its token again at any time; a key would outlive what the token was pinned to. */
function refusePipeline({ pipeline, person }: Actor): void {
  if (pipeline !== undefined) throw new RehearsalError("PipelineHeld", { person, may: "it makes no keys" });
}

const nameOf = ({ credential }: Actor) => `${credential.kind} ${credential.id}`;
