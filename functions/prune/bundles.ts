/** Opening the bundles of records: those of a batch are mostly in one, which is read once. */
import { RehearsalError } from "../../core/errors.ts";
import type { PruneRecord } from "../../io/ledger/prune-records.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import { openBundle, type PruneBundle } from "../../io/prune-bundle.ts";

/** Gives each record's bundle; throws `BundleDamaged`. */
export function openBundles(
  store: ObjectStore,
): (of: Pick<PruneRecord, "prune" | "record" | "bundle">) => Promise<PruneBundle> {
  const opened = new Map<string, Promise<PruneBundle>>();
  return ({ prune, record, bundle }) => {
    if (bundle === null)
      throw new RehearsalError("NotFound", { what: `bundle of ${record} in`, name: prune });
    const { key, sha256, size } = bundle;
    const known = opened.get(key) ?? openBundle(store, { key, sha256, size });
    opened.set(key, known);
    return known;
  };
}
