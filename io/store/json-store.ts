/** The JSON store: models as files in a folder or a bucket, with the transactions, constraints and cascades that the database had. */
import type { StoreDefinition } from "../../core/store/definition.ts";
import type { Key, Row, Rows, Store } from "../../core/store/store.ts";
import type { Head, Notes, State } from "./head.ts";
import type { Place } from "./place.ts";

/** What the move and dual writers do to a model, without any constraint's work: the database has done it. */
export type Change =
  | { model: string; put: Row }
  | { model: string; delete: Key }
  /** All its rows, such as a truncate takes; what stands behind it counts. */
  | { model: string; clear: true };

export interface JsonStore<R extends Rows = Rows> extends Store<R> {
  readonly place: Place;
  readonly definition: StoreDefinition;
  /** As it is now. */
  head(): Promise<Head>;
  /**
   * Puts and deletes rows and revises the notes in one commit, exactly once, while the store is `following`; else
   * `StoreNotCanonical`. `revise` gets the notes as they are in the commit before, gives the new ones, and is asked again
   * when another commit came between; what it throws is thrown, and nothing is written.
   */
  apply(changes: readonly Change[], revise?: (notes: Notes) => Notes): Promise<void>;
  /** Changes the store's state, and its notes in the same commit; throws `StoreNotCanonical` when its state is not `from`. */
  setState(from: State, to: State, revise?: (notes: Notes) => Notes): Promise<void>;
  /** Sees to it that the files hold all that was committed, so that they can be read without the head's `last`. */
  settle(): Promise<void>;
}

export interface JsonStoreOptions {
  place: Place;
  definition: StoreDefinition;
  /**
   * `application` (and without): everything is refused with `StoreNotCanonical` unless the store is canonical. `follower`: reads
   * in any state, and writes by `apply` alone.
   */
  as?: "application" | "follower";
  /** Makes a store in that state where the place is empty; without it `StoreMissing`. */
  create?: State;
  /** Bytes of files whose rows are kept in memory; 64 MiB without. */
  cacheBytes?: number;
}

/** Opens the store at a place; the place is closed with it. Throws `StoreMissing`, `StorePlaceUnfit`, `StoreDefinitionDiffers`. */
export async function openJsonStore<R extends Rows = Rows>(
  _options: JsonStoreOptions,
): Promise<JsonStore<R>> {
  throw new Error("not yet");
}
