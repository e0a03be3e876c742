/** A mapping made ready for many records: of each set of rows, which texts a row carries and which rows it leans on. */
import { readName } from "../plain-name.ts";
import type { ColumnValue, ImportMapping, Rows } from "./mapping.ts";

/** One column, and where its value comes from. */
export type Slot = { column: string } & (
  | { from: "text"; text: number }
  | { from: "parent"; parent: number; set: number; of: string; optional: boolean }
  | { from: "lookup"; table: string; of: string; by: { column: string; text: number }[]; optional: boolean }
  | { from: "hash"; of: string }
);

export interface SetLayout {
  name: string;
  index: number;
  rows: Rows;
  slots: Slot[];
  /** How its texts are filled: by a column's value, or a place that a lookup goes by. */
  texts: {
    column: string;
    value: Exclude<ColumnValue, { form: "row" | "table" | "sha256" }>;
    key: boolean;
  }[];
  /** The set of each parent, by the slots' numbers. */
  parents: { set: number; value: Extract<ColumnValue, { form: "row" }> }[];
  key: string[];
  /** A set of its own records: no other folder may bring a row of the same key. Those below such a row need not ask. */
  claims: boolean;
}

/** Names of columns are as Postgres folds them. */
export function layoutOf(mapping: ImportMapping): SetLayout[] {
  const sets: SetLayout[] = [];
  const owned = new Set<number>();
  for (const [name, rows] of Object.entries(mapping.rows)) {
    const index = sets.length;
    const key = rows.key.map(folded);
    const set: SetLayout = { name, index, rows, slots: [], texts: [], parents: [], key, claims: false };
    for (const [given, value] of Object.entries(rows.columns))
      set.slots.push(slotOf(folded(given), value, set, sets));
    const below = set.slots.some(
      (slot) => slot.from === "parent" && key.includes(slot.column) && owned.has(slot.set),
    );
    if (rows.existing === "update") {
      owned.add(index);
      set.claims = !below;
    }
    sets.push(set);
  }
  return sets;
}

function slotOf(column: string, value: ColumnValue, set: SetLayout, before: readonly SetLayout[]): Slot {
  const { texts, parents, key } = set;
  if (value.form === "sha256") return { column, from: "hash", of: folded(value.sha256) };
  if (value.form === "row") {
    const parent = before.findIndex(({ name }) => name === value.row);
    parents.push({ set: parent, value });
    const { optional } = value;
    return {
      column,
      from: "parent",
      parent: parents.length - 1,
      set: parent,
      of: folded(value.column),
      optional,
    };
  }
  if (value.form === "table") {
    const by = Object.entries(value.by).map(([of, path]) => {
      texts.push({
        column,
        value: { form: "path", path, type: "text", required: !value.optional },
        key: key.includes(column),
      });
      return { column: folded(of), text: texts.length - 1 };
    });
    return {
      column,
      from: "lookup",
      table: value.table,
      of: folded(value.column),
      by,
      optional: value.optional,
    };
  }
  texts.push({ column, value, key: key.includes(column) });
  return { column, from: "text", text: texts.length - 1 };
}

export const folded = (column: string): string => readName(column)?.[0] ?? column;
