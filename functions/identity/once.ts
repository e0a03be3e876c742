/** A link that signs a browser in once, within minutes: so that nobody has to paste a key where they can be watched. */
import type { Actor } from "../../core/access.ts";
import { insertSignIn, takeSignIn } from "../../io/ledger/sessions.ts";
import type { Session } from "../../io/postgres/session.ts";
import { unauthorized } from "./actor.ts";
import { actorOfHolder, endOf, heldBy, newSecret } from "./sessions.ts";

/** Long enough to find the window in which it was printed. */
const ONCE_SECONDS = 600;

export interface Once {
  /** The secret: it goes into `/console/sign-in?once=…` and nowhere else. */
  token: string;
  id: string;
  expiresAt: Date;
}

/** A token that signs in once, as that person with all they hold; or as an actor, with no more than the actor's credential may. */
export async function newOnce(ledger: Session, who: string | Actor): Promise<Once> {
  const { token, id } = newSecret();
  const holder = typeof who === "string" ? { person: who, key: null, scope: null } : heldBy(who);
  const until = typeof who === "string" ? null : await endOf(ledger, who.credential);
  const expiresAt = await insertSignIn(ledger, token, { id, ...holder }, { seconds: ONCE_SECONDS, until });
  return { token, id, expiresAt };
}

/** Uses the token up, and gives whom it signs in: `startSession` is next. Throws `Unauthorized`. */
export async function redeemOnce(ledger: Session, token: string): Promise<Actor> {
  const taken = await takeSignIn(ledger, token);
  if (taken === undefined) throw unauthorized("the sign-in link is used up or too old");
  return actorOfHolder(ledger, taken);
}
