/** Who speaks to the API: an API key, a token of an issuer that is known, or AWS itself by a signed request. Never a cookie. */
import type { Actor } from "../../core/access.ts";
import type { Session } from "../../io/postgres/session.ts";
import { unauthorized } from "./actor.ts";
import { actorOfIam } from "./iam.ts";
import { actorOfKey } from "./keys.ts";
import { actorOfToken } from "./token.ts";

export interface Shown {
  /** The Authorization header. */
  authorization: string | undefined;
  /** API Gateway's event, which no client can write to; undefined where there is none. */
  event: unknown;
}

/** Longer than any token an issuer gives out; what is longer is not looked at. */
const TOKEN_LENGTH = 16_384;

/** The actor; the ledger is only opened for what looks like a credential. Throws `Unauthorized`. */
export async function authenticate(ledger: () => Promise<Session>, shown: Shown): Promise<Actor> {
  if (isSignedByIam(shown.event)) {
    const actor = await actorOfIam(await ledger(), shown.event);
    if (actor !== undefined) return actor;
  }
  const { authorization } = shown;
  if (authorization === undefined) throw unauthorized("there is no Authorization header");
  const bearer = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (bearer === undefined || bearer.length > TOKEN_LENGTH)
    throw unauthorized('the Authorization header is not "Bearer KEY"');
  // Three parts parted by points: no key has a point.
  if (/^[^.]+\.[^.]*\.[^.]*$/.test(bearer)) return actorOfToken(await ledger(), bearer);
  return actorOfKey(await ledger(), bearer);
}

/** Only where API Gateway has verified a signature does its event carry this. */
function isSignedByIam(event: unknown): boolean {
  const context = (event as { requestContext?: { authorizer?: { iam?: unknown } } } | undefined)
    ?.requestContext;
  return context?.authorizer?.iam !== undefined;
}
