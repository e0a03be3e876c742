/** Guesses for drafts: what a name and a type make likely about a column. A person reads them, and no refusal rests on them. */
import type { Classification } from "./inventory-schema.ts";
import { isJson, type LiveTable } from "./inventory-shape.ts";

interface Guess {
  fits: RegExp;
  classification: Classification;
  encrypted?: true;
}

/** On the name in snake_case; the first that fits. */
const GUESSES: Guess[] = [
  { fits: /(^|_)(password|passwd|pwd)(_?(hash|digest))?($|_)/, classification: "secret", encrypted: true },
  { fits: /(_|^)(encrypted|ciphertext|cipher)(_|$)/, classification: "secret", encrypted: true },
  {
    fits: /(^|_)((code|pin|token|key)_hash|secret|totp|otp|mfa|backup_codes?|private_key|api_?key|credentials?|salt)(_|$)/,
    classification: "secret",
  },
  {
    fits: /(^|_)(tokens?(_(hash|digest))?|jwt|cookie)$/,
    classification: "secret",
  },
  {
    fits: /(^|_)(ssn|social_security|passport|national_id|tax_id|iban|card_number|cvv|bank_account)(_|$)/,
    classification: "personal",
  },
  {
    fits: /(^|_)(e_?mail|phone|mobile|address|street|city|postal|postcode|zip|birth|birthday|birthdate|dob|gender)(_|$)/,
    classification: "personal",
  },
  {
    fits: /(^|_)(first|last|full|given|family|sur|display|user|login|real)_?name(_|$)/,
    classification: "personal",
  },
  {
    fits: /(^|_)(ip|ip_address|user_agent|latitude|longitude|geo|avatar|photo)(_|$)/,
    classification: "personal",
  },
];

/** What a column's line may begin as. */
export function guessColumn({ name, type }: LiveTable["columns"][number]): unknown {
  const snake = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  // When a secret was made or whether there is one is no secret.
  const aside = /^(boolean|timestamp|date|time|interval)/.test(type);
  const guess = GUESSES.find((one) => one.fits.test(snake) && !(aside && one.classification === "secret"));
  const json = isJson(type);
  const encrypted = guess?.encrypted && /^(bytea|text|character varying)/.test(type);
  if (!json && !encrypted) return guess?.classification ?? null;
  return {
    ...(guess && { classification: guess.classification }),
    ...(encrypted && { encrypted: true }),
    ...(json && { json: true }),
  };
}

/** A table's entry to begin with: what is to be said by a person is marked. */
export function guessTable({ comment, columns }: LiveTable) {
  const purpose = comment?.replaceAll(/\s+/g, " ").trim();
  return {
    purpose: purpose ? purpose : "TODO",
    classification: "internal",
    columns: Object.fromEntries(columns.map((column) => [column.name, guessColumn(column)])),
  };
}
