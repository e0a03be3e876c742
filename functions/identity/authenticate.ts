/** Who speaks to the API: an API key, a token of an issuer that is known, or AWS itself by a signed request. Never a cookie. */
import type { Actor } from "../../core/access.ts";
import type { Session } from "../../io/postgres/session.ts";
import { unauthorized } from "./actor.ts";
import { actorOfIam, isOnIamRoute } from "./iam.ts";
import { actorOfKey } from "./keys.ts";
import { countRequest, limitedSignIn } from "./limits.ts";
import { actorOfToken } from "./token.ts";

interface Shown {
  /** The Authorization header. */
  authorization: string | undefined;
  /** API Gateway's event, which no client can write to; undefined where there is none. */
  event: unknown;
}

/** Longer than any token an issuer gives out; what is longer is not looked at. */
const TOKEN_LENGTH = 16_384;

/**
 * The actor; the ledger is only opened for what looks like a credential. Throws `Unauthorized`, what `actorOfToken` does,
 * and `TooManyRequests`.
 */
export async function authenticate(ledger: () => Promise<Session>, shown: Shown): Promise<Actor> {
  const actor = await identify(ledger, shown);
  await countRequest(ledger, actor.person);
  return actor;
}

async function identify(ledger: () => Promise<Session>, { authorization, event }: Shown): Promise<Actor> {
  // There the header is the signature, and API Gateway has looked at it.
  if (isOnIamRoute(event)) return actorOfIam(await ledger(), event);
  if (authorization === undefined) throw unauthorized("there is no Authorization header");
  const credential = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (credential === undefined || credential.length > TOKEN_LENGTH)
    throw unauthorized('the Authorization header is not "Bearer KEY"');
  const session = await ledger();
  // Three parts parted by points: no key has a point.
  const isToken = /^[^.]+\.[^.]*\.[^.]*$/.test(credential);
  return limitedSignIn(session, { event, credential }, () =>
    isToken ? actorOfToken(session, credential) : actorOfKey(session, credential),
  );
}
