/** A statement's fingerprint: what a data plan names it by, whatever its line, spaces, comments and letter case. */
import type { Json } from "./canonical-json.ts";
import { digestOf } from "./digest.ts";
import type { SqlNode } from "./function-bodies.ts";

/** Sixteen hex digits. */
export const FINGERPRINT = /^[0-9a-f]{16}$/;

/** Where something stands in the source: the only fields of the parse tree that formatting changes. */
const PLACES = new Set([
  "location",
  "name_location",
  "stmt_location",
  "stmt_len",
  "list_start",
  "list_end",
  "rexpr_list_start",
  "rexpr_list_end",
]);

/** The first 16 hex digits of the sha256 of the statement's parse tree without places, as canonical JSON. */
export function fingerprintOf({ kind, fields }: Pick<SqlNode, "kind" | "fields">): string {
  return digestOf({ kind, fields: withoutPlaces(fields) }).slice(0, 16);
}

function withoutPlaces(value: unknown): Json {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object") return value as Json;
  if (value === null) return null;
  const members = Object.entries(value).filter(([key]) => !PLACES.has(key));
  return Object.fromEntries(members.map(([key, member]) => [key, withoutPlaces(member)]));
}
