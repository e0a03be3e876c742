/** Keys of rows: as texts to find a row by, and in the order in which rows are listed. */
import { quoteName } from "../names.ts";
import type { StoreModel } from "./definition.ts";
import { codecsOf, type ModelColumn } from "./model-codecs.ts";
import { cell, put } from "./rows.ts";
import type { Row } from "./store.ts";
import type { StoreValue } from "./values.ts";

/** The values of the key's columns, in their order. */
export function keyOf(model: StoreModel, row: Row): StoreValue[] {
  return model.key.map((column) => cell(row, column));
}

/** The key's columns alone, of a row or of its key's values. */
export function keyRow(model: StoreModel, from: Row | readonly StoreValue[]): Row {
  const row: Record<string, StoreValue> = {};
  for (const [at, column] of model.key.entries())
    put(row, column, isValues(from) ? (from[at] ?? null) : cell(from, column));
  return row;
}

/** One text for one key; two keys that Postgres holds for equal have the same. */
export function keyText(model: StoreModel, row: Row): string {
  return textOf(codecsOf(model).key, row);
}

/** The same for any columns, such as an index's; NULL is itself. */
export function indexText(model: StoreModel, columns: readonly string[], row: Row): string {
  const { byName } = codecsOf(model);
  return textOf(
    columns.flatMap((column) => byName.get(column) ?? []),
    row,
  );
}

/** The order of two rows by their keys: as `orderOf` makes Postgres order them. */
export function compareKeys(model: StoreModel, one: Row, other: Row): number {
  for (const { name, codec } of codecsOf(model).key) {
    const order = codec.compare(cell(one, name), cell(other, name));
    if (order !== 0) return order;
  }
  return 0;
}

/** What stands behind ORDER BY for that order; `of` stands before each column: `t.`. */
export function orderOf(model: StoreModel, of = ""): string {
  return codecsOf(model)
    .key.map((one) => orderExpression(one, of))
    .join(", ");
}

/** What a column of a key is ordered and compared by: `t."id" collate "C"`. */
function orderExpression({ name, column: { of: type } }: ModelColumn, of = ""): string {
  const column = `${of}${quoteName(name)}`;
  if (type.kind === "text" || type.kind === "bpchar") return `${column} collate pg_catalog."C"`;
  // A cast may say other things than a value's own output, and enums have an order of their own.
  if (type.kind === "enum" || type.kind === "other" || type.kind === "json" || type.kind === "jsonb")
    return `pg_catalog.format('%s', ${column}) collate pg_catalog."C"`;
  return column;
}

function textOf(columns: readonly ModelColumn[], row: Row): string {
  const [first] = columns;
  if (first === undefined || columns.length > 1)
    return JSON.stringify(columns.map((column) => partOf(column, row)));
  const part = partOf(first, row);
  return part === null ? "null" : JSON.stringify(part);
}

function partOf({ name, codec }: ModelColumn, row: Row): string | null {
  const value = cell(row, name);
  return value === null ? null : codec.key(value);
}

function isValues(from: Row | readonly StoreValue[]): from is readonly StoreValue[] {
  return Array.isArray(from);
}
