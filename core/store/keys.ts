/** Keys of rows: as texts to find a row by, and in the order in which rows are listed. */
import type { StoreModel } from "./definition.ts";
import type { Row } from "./store.ts";
import type { StoreValue } from "./values.ts";

/** The values of the key's columns, in their order. */
export function keyOf(model: StoreModel, row: Row): StoreValue[] {
  return model.key.map((column) => row[column] ?? null);
}

/** One text for one key; two keys that Postgres holds for equal have the same. */
export function keyText(model: StoreModel, row: Row): string {
  return textOf(model, model.key, row);
}

/** The same for any columns, such as an index's; undefined where one of them is null. */
export function indexText(model: StoreModel, columns: readonly string[], row: Row): string | undefined {
  return columns.some((column) => row[column] == null) ? undefined : textOf(model, columns, row);
}

/** The order of two rows by their keys: as `orderOf` makes Postgres order them. */
export function compareKeys(_model: StoreModel, _one: Row, _other: Row): number {
  throw new Error("not yet");
}

/** What stands behind ORDER BY for that order; `of` stands before each column: `t.`. */
export function orderOf(_model: StoreModel, _of = ""): string {
  throw new Error("not yet");
}

function textOf(_model: StoreModel, _columns: readonly string[], _row: Row): string {
  throw new Error("not yet");
}
