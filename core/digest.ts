/** The product's one hash: sha256, written as 64 lower-case hex digits. */
import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "./canonical-json.ts";

/** sha256 of the bytes (a string counts as its UTF-8 bytes), as 64 lower-case hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** sha256 of a value's canonical JSON. */
export function digestOf(value: Json): string {
  return sha256(canonicalJson(value));
}
