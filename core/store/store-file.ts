/** `store.yaml`: which tables a store keeps, under which names, in which files. */
import type { SchemaLock } from "../schema-lock.ts";
import type { StoreDefinition } from "./definition.ts";

export const STORE_PATH = "store.yaml";

/** Reads store.yaml against the schema that the release promises; throws `ConfigInvalid` with every problem. */
export function parseStoreFile(_bytes: Uint8Array, _lock: SchemaLock | undefined): StoreDefinition {
  throw new Error("not yet");
}
