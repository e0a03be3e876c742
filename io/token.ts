/** Tokens of OpenID Connect: who says to have issued one, and whether they did. */
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { RehearsalError } from "../core/errors.ts";
import type { Issuer } from "../core/issuer.ts";
import type { KeysOf } from "./issuer-keys.ts";

/** Characters of the largest token that is looked at; GitHub's have about 2,000. */
const LONGEST_TOKEN = 16_384;

/** Kinds of tokens that say who somebody is; a logout token or a security event is signed by the same keys. */
const TYPES = new Set(["jwt", "at+jwt"]);

/** The issuer that a token names, of which nothing is verified yet; throws `TokenRefused` for what is no token. */
export async function issuerOf(token: string): Promise<string> {
  if (token.length > LONGEST_TOKEN) throw refused(`it has more than ${LONGEST_TOKEN} characters`);
  const { decodeJwt } = await import("jose");
  let issuer: unknown;
  try {
    issuer = decodeJwt(token).iss;
  } catch (cause) {
    throw refused("it is not a signed JSON Web Token", cause);
  }
  if (typeof issuer !== "string" || issuer === "") throw refused("it names no issuer");
  return issuer;
}

/**
 * The claims of a token that the issuer signed for us, for now and not too long ago. Throws `TokenRefused`, which never
 * repeats the token, or `IssuerUnreachable` where its keys cannot be had.
 */
export async function verifyToken(token: string, issuer: Issuer, keysOf: KeysOf): Promise<JWTPayload> {
  const { errors, jwtVerify } = await import("jose");
  const keys = await keysOf(issuer.url);
  const keyOf: JWTVerifyGetKey = async (header, jws) => {
    try {
      return await keys(header, jws);
    } catch (error) {
      throw tokensFault(error) ? error : keysUseless(issuer.url, error);
    }
  };
  const tokensFault = (error: unknown) =>
    error instanceof RehearsalError ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
      issuer: issuer.url,
      audience: issuer.audiences,
      algorithms: [...issuer.algorithms],
      clockTolerance: issuer.toleranceSeconds,
      maxTokenAge: issuer.maxAgeSeconds,
      // Most issuers of people's tokens leave nbf out; where it stands it is heeded.
      requiredClaims: ["sub", "exp", "iat", ...(issuer.kind === "people" ? [] : ["nbf"])],
    });
    const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, "");
    if (type !== undefined && !TYPES.has(type)) throw refused(`its type is "${type}"`);
    if ("events" in payload) throw refused("it tells of events, and not who somebody is");
    return payload;
  } catch (error) {
    if (error instanceof RehearsalError) throw error;
    if (error instanceof errors.JOSEError) throw refused(reasonOf(error, errors), error);
    // Of a token nothing else can be wrong: a key is too short for its algorithm, or not what it says.
    throw keysUseless(issuer.url, error);
  }
}

/** What is wrong with it, for whoever sent it. */
function reasonOf(error: Error, errors: typeof import("jose").errors): string {
  if (error instanceof errors.JWTExpired)
    return error.claim === "iat" ? "it was issued too long ago" : "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error.claim, error.reason);
  if (error instanceof errors.JOSEAlgNotAllowed) return "it is signed by an algorithm that is not allowed";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is not right";
  if (error instanceof errors.JWKSNoMatchingKey)
    return "it is signed with a key that the issuer does not have";
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return "it does not say which of the issuer's keys it is signed with";
  if (error instanceof errors.JOSENotSupported) return "its header asks for what is not supported";
  return "it is not a token that can be read";
}

function claimReason(claim: string, reason: string): string {
  if (reason === "missing") return `it has no "${claim}"`;
  if (claim === "aud") return "it is meant for another audience";
  if (claim === "iss") return "it is of another issuer";
  if (claim === "nbf") return "it is not valid yet";
  if (claim === "iat") return "it was issued in the future";
  return `its "${claim}" is not valid`;
}

function refused(reason: string, cause?: unknown): RehearsalError {
  return new RehearsalError("TokenRefused", { reason }, { cause });
}

function keysUseless(issuer: string, cause: unknown): RehearsalError {
  return new RehearsalError(
    "IssuerUnreachable",
    { issuer, reason: `its keys cannot be used: ${(cause as Error).message}` },
    { cause },
  );
}
