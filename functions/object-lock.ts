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
  const now = new Date();
  const date = await dateOf(ledger, environment, retention, now);
  // A date that is not in the future cannot be locked until.
  const locks = date > now && (await store.hasObjectLock());
  return {
    date,
    store: locks ? lockingStore(store, date) : store,
    keepAsLong: (keys) => (locks ? inParallel(keys, (key) => store.lock(key, date)) : Promise.resolve()),
  };
}
