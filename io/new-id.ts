/** Ids of what is asked for: a letter for its kind, the day, so that people can tell them apart, and forty random bits. */
import { randomBytes } from "node:crypto";

/** Crockford's base32 in lower case: no i, l, o or u to mistake for something else. */
const LETTERS = "0123456789abcdefghjkmnpqrstvwxyz";

const KINDS = { promotion: "p", task: "t", backup: "b", prune: "x", hold: "h", store: "s" } as const;

/** Twelve letters of base32, for what is counted by people and not by days: keys, sessions. */
export function newCredentialId(): string {
  return [...randomBytes(12)].map((byte) => LETTERS[byte % 32]).join("");
}

/** The kind's letter, the day as yymmdd in UTC, and eight letters of base32: fit for the name of an execution and of a database. */
export function newId(kind: keyof typeof KINDS): string {
  const day = new Date().toISOString().slice(2, 10).replaceAll("-", "");
  const random = [...randomBytes(8)].map((byte) => LETTERS[byte % 32]).join("");
  return `${KINDS[kind]}${day}${random}`;
}
