/** A view of a store in which everything that is put is locked until a date: nobody, whoever they are, removes it before. */
import type { ObjectStore } from "./stored-object.ts";

/** The bucket must have Object Lock; reading and removing are the store's own. */
export function lockingStore(store: ObjectStore, lockUntil: Date): ObjectStore {
  return {
    ...store,
    put: (key, body, options) => store.put(key, body, { ...options, lockUntil }),
    putOnce: (key, body, options) => store.putOnce(key, body, { ...options, lockUntil }),
    putStream: (key, source, options) => store.putStream(key, source, { ...options, lockUntil }),
  };
}
