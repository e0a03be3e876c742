/** What an application does with its models, whatever keeps them: one interface, which Postgres, a folder, a bucket and both at once answer alike. */
import type { Json } from "../canonical-json.ts";

/** A row by its columns, all of them, in the encoding of store values (FORMATS.md); NULL is null. */
export type Row = { readonly [column: string]: Json };

/** Rows by model: what the generated module of an application declares (as a `type`, for an interface lacks the signature). */
export type Rows = { readonly [model: string]: Row };

export type ModelOf<R extends Rows> = keyof R & string;

/** The columns of the model's key with their values, and no others. */
export type Key<R extends Row = Row> = { readonly [column in keyof R]?: R[column] };

/** Values for the columns of a declared index, a unique constraint, a foreign key or the first columns of the key; empty is every row. NULL finds NULL. */
export type By<R extends Row = Row> = { readonly [column in keyof R]?: R[column] };

/** One page of a list. */
export interface Page<R extends Row = Row> {
  /** The key behind which the page begins: `next` of the page before. */
  after?: Key<R>;
  /** How many rows at most: 1 to `MOST_LISTED`, which it is without. */
  limit?: number;
}

/** Rows in the order of their keys; `next` is there when there may be more. */
export interface Listed<R extends Row = Row> {
  rows: R[];
  next?: Key<R>;
}

/** The most rows that one page of a list holds. */
export const MOST_LISTED = 1000;

/** What reads: all at one instant inside a transaction, each call at its own outside. */
export interface Reader<R extends Rows = Rows> {
  /** The row of that key, or undefined. Throws `StoreModelUnknown`, and `StoreRowInvalid` when the key is not one. */
  get<M extends ModelOf<R>>(model: M, key: Key<R[M]>): Promise<R[M] | undefined>;
  /** Rows by the order of their keys: texts by their bytes, numbers by value, times by instant. Throws `StoreIndexMissing` when nothing declared finds rows by these columns. */
  list<M extends ModelOf<R>>(model: M, by: By<R[M]>, page?: Page<R[M]>): Promise<Listed<R[M]>>;
  /** How many rows the model has. */
  count(model: ModelOf<R>): Promise<number>;
}

/**
 * What writes as well. Whole rows only. Every refusal is one of `StoreRowInvalid`, `StoreUniqueViolated`,
 * `StoreReferenceMissing` and `StoreStillReferenced`, and leaves everything as it was: inside a transaction that is the
 * whole transaction, which nothing can be asked of any more.
 */
export interface Writer<R extends Rows = Rows> extends Reader<R> {
  /** Inserts the row, or replaces the one of its key. */
  put<M extends ModelOf<R>>(model: M, row: R[M]): Promise<void>;
  /** Inserts the row; throws `StoreUniqueViolated` (constraint "primary key") when its key is there. */
  append<M extends ModelOf<R>>(model: M, row: R[M]): Promise<void>;
  /** Deletes the row, and what cascades from it; tells whether it was there. */
  delete<M extends ModelOf<R>>(model: M, key: Key<R[M]>): Promise<boolean>;
}

/** A store, open. */
export interface Store<R extends Rows = Rows> extends Writer<R> {
  /**
   * All or nothing, over any models, as if nothing else ran meanwhile (serializable). `work` runs again when something
   * else came between, so it must do nothing but this; throws `StoreBusy` when that happens too often. What it throws
   * ends the transaction without a trace.
   */
  transaction<T>(work: (tx: Writer<R>) => Promise<T>): Promise<T>;
  /** Waits for what is under way and lets go of everything; whoever calls afterwards is told `StoreClosed`. */
  close(): Promise<void>;
}

/** A definition that knows its rows' types: what the generated module exports as `models`. The rows are never there at run time. */
export interface Typed<R extends Rows> {
  readonly rows?: R;
}
