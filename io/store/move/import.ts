/** A store becomes a database again: every row in one transaction, compared before it is committed. */
import type { OnProgress } from "../../../core/progress.ts";
import type { StoreDefinition } from "../../../core/store/definition.ts";
import type { ContentSum } from "../../../core/store/digest.ts";
import type { Place } from "../place.ts";
import type { CutOptions } from "./cut.ts";

export interface ImportOptions extends CutOptions {
  definition: StoreDefinition;
  /** Nobody writes to the store meanwhile: it is closed, or a copy. It is not closed as a place. */
  place: Place;
  /** What the models' tables hold gives way; without it they have to be empty. */
  replace?: boolean;
  onProgress?: OnProgress;
  /** Commits by calling what it is given, once nobody else may. */
  commit?: (commit: () => Promise<void>) => Promise<void>;
  /** Told of `loaded` (all but the commit) and `committed`. */
  passed?: (point: string) => void;
}

export interface StoreImported {
  /** By model: what the database holds now, which is what the store does. */
  models: Record<string, ContentSum>;
  rows: number;
  /** Rows that gave way. */
  replaced: number;
}

/**
 * All or nothing. Foreign keys hold at the end; ordinary triggers stay silent, as in a restore, and those that are ENABLE ALWAYS
 * fire. Throws `StoreTargetTaken`, `StoreTargetReferenced`, `StoreTargetUnfit`, `StoreNotWhole` when the files are not what the
 * head says, and `StoreImportDiffers` when the database would not hold what the store does.
 */
export async function importStore(_options: ImportOptions): Promise<StoreImported> {
  throw new Error("not yet");
}
