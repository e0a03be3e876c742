/** A value as SQLite stores it, and what becomes of it. */
import type { ColumnMapping } from "./sqlite-mapping.ts";
import type { TargetColumn } from "./target-column.ts";

/** SQLite's storage classes, by their first letters: null, integer, real, text, blob. */
export type Stored =
  | { kind: "n" }
  | { kind: "i"; value: bigint }
  | { kind: "r"; value: number }
  | { kind: "t"; value: string }
  | { kind: "b"; value: Uint8Array };

/** What COPY is told, not yet escaped, and by what the value is known in a content sum; or why it is refused. */
export type Converted = { text: string; canonical: string } | { null: true } | { problem: string };

/** A value that is there. */
export type Present = Exclude<Stored, { kind: "n" }>;

/** Judges a value by the column that it is for. */
export type Convert = (stored: Present, target: TargetColumn, mapping: ColumnMapping) => Converted;

/** What they are called. */
export const KINDS = { i: "an integer", r: "a real number", t: "a text", b: "a blob" };

/** It is of the wrong kind altogether. */
export const unfit = ({ kind }: Present, { shown }: TargetColumn): Converted => ({
  problem: `${KINDS[kind]} where ${shown} is wanted`,
});

/** A value whose canonical text is what COPY is told. */
export function same(value: string): Converted {
  return { text: value, canonical: value };
}
