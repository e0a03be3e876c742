/** The door of where stores lie: a folder only where the functions run beside it, and of a bucket only the environment's own. */
import { RehearsalError } from "../core/errors.ts";
import { describePlace, type StorePlace } from "../core/stores.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { StoreFacts } from "../io/ledger/stores.ts";

/** Throws `StorePlaceUnfit` for a place that this service, or this environment, cannot have. */
export function refusePlace(
  { name, policy }: Pick<Environment, "name" | "policy">,
  place: StorePlace,
  storage: StoreFacts["storage"] = policy.storage,
): void {
  const refuse = (reason: string) =>
    new RehearsalError("StorePlaceUnfit", { place: describePlace(place), reason });
  if ("folder" in place && process.env.REHEARSAL_FILES !== "here")
    throw refuse("the service does not run on your machine");
  if ("prefix" in place && storage === undefined) throw refuse(`the policy of "${name}" names no storage`);
}
