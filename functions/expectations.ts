/** What a rehearsal expects of production afterwards, read as it was written: it decides whether a migration may commit and what a rollback loses. */
import type { Expectations } from "../core/expectations.ts";
import type { Facts } from "../io/ledger/promotions.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readArtifact } from "./artifacts.ts";

/** Throws `ObjectDamaged` when it is not what the rehearsal wrote; of older promotions nothing was noted to hold it to. */
export async function readExpectations(
  store: ObjectStore,
  { expectationsKey, expectationsSha256 }: NonNullable<Facts["rehearsal"]>,
): Promise<Expectations> {
  return readArtifact<Expectations>(store, expectationsKey, "rehearsal-expectations/1", expectationsSha256);
}
