/** The door of where stores lie: a folder only where the functions run beside it, and of a bucket only the environment's own. */
import { RehearsalError } from "../core/errors.ts";
import { describePlace, type StorePlace, storePrefix } from "../core/stores.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { openBucketPlace } from "../io/store/bucket-place.ts";
import { openFolderPlace } from "../io/store/folder-place.ts";
import type { Place } from "../io/store/place.ts";

/** Throws `StorePlaceUnfit` for a place that this service, or this environment, cannot have. */
export function refusePlace({ name, policy }: Pick<Environment, "name" | "policy">, place: StorePlace): void {
  const refuse = (reason: string) =>
    new RehearsalError("StorePlaceUnfit", { place: describePlace(place), reason });
  if ("folder" in place && process.env.REHEARSAL_FILES !== "here")
    throw refuse("the service does not run on your machine");
  if ("prefix" in place && policy.storage === undefined)
    throw refuse(`the policy of "${name}" names no storage`);
}

/** Opens it; whoever opens it closes it. Throws `StorePlaceUnfit`. */
export async function openStorePlace(
  environment: Pick<Environment, "name" | "policy">,
  place: StorePlace,
): Promise<Place> {
  refusePlace(environment, place);
  if ("folder" in place) return openFolderPlace(place.folder);
  const { storage } = environment.policy;
  if (storage === undefined) throw new Error("the door has let in a prefix without storage");
  return openBucketPlace({ bucket: storage.bucket, prefix: storePrefix(storage, place.prefix) });
}
