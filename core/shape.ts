/** A database's shape: everything its catalogs say of structure, as one canonical JSON value whose sha256 is the fingerprint. */

import type { Json } from "./canonical-json.ts";
import { digestOf } from "./digest.ts";

/** `objects` maps a stable address ("table public.videos", "index public.videos_pkey") to its facts; no object identifiers, no sizes, no row counts. */
export interface Shape {
  format: "rehearsal-shape/1";
  objects: Record<string, Json>;
}

/** The fingerprint: sha256 of the shape's canonical JSON. */
export function fingerprint(shape: Shape): string {
  return digestOf(shape as unknown as Json);
}
