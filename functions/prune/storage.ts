/** Where an environment's objects lie, for what is held against its rows, sealed, removed and brought back. */
import type { Policy } from "../../core/policy.ts";
import { openObjectStore } from "../../io/object-store.ts";
import type { MediaStorage } from "../../io/prune-media.ts";

/** Undefined where the environment's policy names no bucket. */
export function mediaOf({ storage }: Policy): MediaStorage | undefined {
  if (storage === undefined) return undefined;
  const known = opened.get(storage.bucket) ?? openObjectStore({ bucket: storage.bucket, elsewhere: true });
  opened.set(storage.bucket, known);
  return { store: known, root: storage.root };
}

/** One client for each bucket of this sandbox. */
const opened = new Map<string, MediaStorage["store"]>();
