/** The door of where stores lie: a folder only where the functions run beside it and its operator allows it, and of a bucket only the environment's own. */
import { RehearsalError } from "../core/errors.ts";
import { describePlace, type StorePlace } from "../core/stores.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { StoreFacts } from "../io/ledger/stores.ts";
import { liesBelow } from "../io/store/folder-root.ts";

/** Throws `StorePlaceUnfit` for a place that this service, or this environment, cannot have. */
export async function refusePlace(
  { name, policy }: Pick<Environment, "name" | "policy">,
  place: StorePlace,
  storage: StoreFacts["storage"] = policy.storage,
): Promise<void> {
  const refuse = (reason: string) =>
    new RehearsalError("StorePlaceUnfit", { place: describePlace(place), reason });
  if ("folder" in place && process.env.REHEARSAL_FILES !== "here")
    throw refuse("the service does not run on your machine");
  // Without the word nobody's: who administers an environment is not whoever has the machine.
  const roots = process.env.REHEARSAL_STORES ?? "";
  if ("folder" in place && !(await liesBelow(place.folder, roots)))
    throw refuse(
      roots === ""
        ? "the service was given no folder for stores"
        : `the service keeps stores below ${roots} alone`,
    );
  if ("prefix" in place && storage === undefined) throw refuse(`the policy of "${name}" names no storage`);
}
