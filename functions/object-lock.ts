/** Object Lock: in a bucket that has it, a backup's objects are written so that nobody removes them before their date. */
import type { RetentionClass } from "../core/retention.ts";
import { inParallel } from "../io/in-parallel.ts";
import { dateOf } from "../io/ledger/backups.ts";
import { lockingStore } from "../io/object-lock.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

/** Until when a backup that begins now is kept, the store to write it to, and what locks as long the objects of others that it stands on. */
export async function lockedUntil(
  ledger: Session,
  store: ObjectStore,
  environment: string,
  retention: RetentionClass,
): Promise<{ date: Date; store: ObjectStore; keepAsLong(keys: readonly string[]): Promise<void> }> {
  const date = await dateOf(ledger, environment, retention, new Date());
  const locking = await lockingUntil(store, date);
  const locks = locking !== store;
  return {
    date,
    store: locking,
    keepAsLong: (keys) => (locks ? inParallel(keys, (key) => store.lock(key, date)) : Promise.resolve()),
  };
}

/** The store that locks what it writes until then; the same one where nothing can be locked, or there is no date in the future. */
export async function lockingUntil(store: ObjectStore, date: Date): Promise<ObjectStore> {
  // A date that is not in the future cannot be locked until.
  return date > new Date() && (await store.hasObjectLock()) ? lockingStore(store, date) : store;
}
