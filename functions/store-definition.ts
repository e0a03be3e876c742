/** What a release says of an environment's store. */
import { RehearsalError } from "../core/errors.ts";
import type { StoreDefinition } from "../core/store/definition.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { StoreRow } from "../io/ledger/stores.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readRelease } from "./release.ts";

/** The models by the release's store.yaml; throws `StoreUndeclared` where it has none. */
export async function readDefinition(
  store: ObjectStore,
  environment: string,
  release: string,
): Promise<StoreDefinition> {
  const { store: definition } = await readRelease(store, release, []);
  if (definition === undefined) throw new RehearsalError("StoreUndeclared", { environment, release });
  return definition;
}

/** The models that a store was made of; throws `StoreReleaseChanged` when the release that the environment runs now has others. */
export async function definitionOf(
  store: ObjectStore,
  { name, release }: Environment,
  row: StoreRow,
): Promise<StoreDefinition> {
  const definition = await readDefinition(store, name, row.release);
  if (release === null || release === row.release) return definition;
  const { store: now } = await readRelease(store, release, []);
  if (JSON.stringify(now) !== JSON.stringify(definition))
    throw new RehearsalError("StoreReleaseChanged", { environment: name, store: row.id, release });
  return definition;
}
