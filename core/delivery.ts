/** Delivering a notice: how it is signed, and when what did not arrive is tried again. */
import { createHmac, randomBytes } from "node:crypto";

/** So often a notice is tried before it is dead. */
export const MOST_ATTEMPTS = 10;

const SECOND = 10;
const LONGEST = 12 * 3_600;

/** From 10 s behind the first attempt to 12 h before the last. */
const FACTOR = (LONGEST / SECOND) ** (1 / (MOST_ATTEMPTS - 2));

/**
 * Seconds until the next attempt behind the one with this number, from 1; undefined behind the last. `chance` is within
 * 0 and 1 and spreads those that failed together by a fifth; `retryAfter` is what the destination asked for, in seconds.
 */
export function nextAttempt(
  attempt: number,
  { chance, retryAfter = 0 }: { chance: number; retryAfter?: number | undefined },
): number | undefined {
  if (attempt >= MOST_ATTEMPTS) return undefined;
  const spread = SECOND * FACTOR ** (attempt - 1) * (0.9 + chance / 5);
  return Math.min(LONGEST, Math.max(SECOND, spread, retryAfter));
}

/** Retry-After as seconds from `now`: it is a number of them, or a date. Undefined when it is neither. */
export function retryAfterSeconds(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

const PREFIX = "whsec_";

/** A secret of the Standard Webhooks' scheme, of 32 random bytes. */
export function newSigningSecret(): string {
  return PREFIX + randomBytes(32).toString("base64");
}

/** The headers that prove a body to whoever has the secret, as https://www.standardwebhooks.com has them. */
export function signedHeaders(
  secret: string,
  { id, seconds, body }: { id: string; seconds: number; body: string },
): Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string> {
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${signature}`,
  };
}
