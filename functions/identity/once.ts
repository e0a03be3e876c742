/** A link that signs a browser in once, within minutes: so that nobody has to paste a key where they can be watched. */
import type { Actor } from "../../core/access.ts";
import { insertSignIn, takeSignIn } from "../../io/ledger/sessions.ts";
import type { Session } from "../../io/postgres/session.ts";
import { unauthorized } from "./actor.ts";
import { actorOfHolder, endOf, heldBy, newSecret } from "./sessions.ts";

/** Long enough to find the window in which it was printed. */
const ONCE_SECONDS = 600;

/**
 * A token that signs in once, as the actor and with no more than their credential may. It goes into
 * `/console/sign-in?once=…` and nowhere else.
 */
export async function newOnce(ledger: Session, actor: Actor): Promise<{ token: string; expiresAt: Date }> {
  const { token, id } = newSecret();
  const until = await endOf(ledger, actor.credential);
  const expiresAt = await insertSignIn(
    ledger,
    token,
    { id, ...heldBy(actor) },
    { seconds: ONCE_SECONDS, until },
  );
  return { token, expiresAt };
}

/** Uses the token up, and gives whom it signs in: `startSession` is next. Throws `Unauthorized`. */
export async function redeemOnce(ledger: Session, token: string): Promise<Actor> {
  const taken = await takeSignIn(ledger, token);
  if (taken === undefined) throw unauthorized("the sign-in link is used up or too old");
  return actorOfHolder(ledger, taken);
}
