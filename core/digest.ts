/** The product's one hash: sha256, written as 64 lower-case hex digits. */
import { hash } from "node:crypto";
import { canonicalJson, type Json } from "./canonical-json.ts";

/** sha256 of the bytes (a string counts as its UTF-8 bytes), as 64 lower-case hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return hash("sha256", bytes);
}

/** sha256 of a value's canonical JSON. */
export function digestOf(value: Json): string {
  return sha256(canonicalJson(value));
}
