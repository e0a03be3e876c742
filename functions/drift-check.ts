/** A check of drift that is remembered: what it found, and when, until the next one. */
import { putDriftCheck } from "../io/ledger/drift-checks.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { findDrift } from "./drift.ts";

/** So many differences and statements are kept. */
const KEPT = 200;

/** Holds an environment's database against its promise, and keeps what was found. */
export async function checkDrift(
  ledger: Session,
  store: ObjectStore,
  name: string,
  person: string,
): Promise<void> {
  // Read before: a promotion that ends meanwhile overtakes the check, and not the reverse.
  const { fingerprint } = await readEnvironment(ledger, name);
  const { differences, count, sql, ignored } = await findDrift(ledger, store, name);
  await putDriftCheck(ledger, name, {
    promised: fingerprint,
    count,
    found: { differences: differences.slice(0, KEPT), sql: sql.slice(0, KEPT), ignored },
    checkedBy: person,
  });
}
