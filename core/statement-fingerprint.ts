/** A statement's fingerprint: what a data plan names it by, whatever its line, spaces, comments and letter case. */
import { sha256 } from "./digest.ts";
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
  return sha256(`{"fields":${withoutPlaces(fields)},"kind":${JSON.stringify(kind)}}`).slice(0, 16);
}

/** As `canonicalJson` writes it, in one pass: thousands of statements are read at once. */
function withoutPlaces(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  let members = "";
  if (Array.isArray(value)) {
    for (const item of value) members += `${members === "" ? "" : ","}${withoutPlaces(item)}`;
    return `[${members}]`;
  }
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  for (const key of keys) {
    if (PLACES.has(key)) continue;
    const member = withoutPlaces((value as Record<string, unknown>)[key]);
    members += `${members === "" ? "" : ","}"${key}":${member}`;
  }
  return `{${members}}`;
}
