/** A check of drift that is remembered: what it found, and when, until the next one. */
import { cut } from "../core/notice.ts";
import { isChanging, putDriftCheck } from "../io/ledger/drift-checks.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { type Drift, findDrift } from "./drift.ts";
import { lookAt } from "./look.ts";
import { trySending } from "./outbox.ts";

/** So many differences and statements are kept. */
const KEPT = 200;

/** So many differences are announced. */
const ANNOUNCED = 10;

/**
 * Holds an environment's database against its promise, and keeps what was found. Drift that was not known is told in the
 * log, and announced: once, however often it is looked at. What is seen while somebody changes the database is told to whoever
 * asked, and not kept.
 */
export async function checkDrift(
  ledger: Session,
  store: ObjectStore,
  name: string,
  person: string,
): Promise<Drift> {
  // Read before: a promotion that ends meanwhile overtakes the check, and not the reverse.
  const { fingerprint } = await readEnvironment(ledger, name);
  const drift = await lookAt(ledger, name, () => findDrift(ledger, store, name));
  const { differences, count, sql, ignored } = drift;
  const isNew = await ledger.transaction(async () => {
    if (await isChanging(ledger, name)) return false;
    const isNew = await putDriftCheck(ledger, name, {
      promised: fingerprint,
      count,
      found: { differences: differences.slice(0, KEPT), sql: sql.slice(0, KEPT), ignored },
      checkedBy: person,
    });
    if (!isNew) return false;
    // What is announced has to be small.
    const some = differences.slice(0, ANNOUNCED).map(({ text }) => cut(text, 200));
    await appendEvent(ledger, {
      type: "environment.drift-found",
      environment: name,
      announce: true,
      data: { count, differences: some, promised: drift.promised, found: drift.found, by: person },
    });
    return true;
  });
  if (isNew) await trySending(ledger);
  return drift;
}
