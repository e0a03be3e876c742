/** A query's rows as a table that fits the terminal, written while they come. */
import type { QueryColumn } from "../core/query/rows.ts";
import { cut, displayWidth, padded } from "./display-width.ts";
import { plain } from "./text.ts";

type Row = readonly (string | null)[];
type Column = Pick<QueryColumn, "name" | "type">;

/** Rows by which the columns' widths are chosen; later ones are cut to them. */
const SAMPLE = 500;
const GAP = "  ";
/** Narrower than this a column tells nothing, and each row stands as lines of its own instead. */
const NARROWEST = 8;
/** Where nobody looks: one value is not to push all others out of sight. */
const WIDEST = 200;

const NUMBERS = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"]);

/** The table's lines; `width` is the terminal's, undefined where nobody looks. */
export async function* tableLines(
  columns: readonly Column[],
  rows: AsyncIterable<Row>,
  width: number | undefined,
): AsyncGenerator<string> {
  const heads = columns.map(({ name }) => visible(name));
  let sample: string[][] = [];
  let layout: Layout | undefined;
  for await (const row of rows) {
    const cells = row.map(cellOf);
    if (layout !== undefined) {
      yield* layout.row(cells);
      continue;
    }
    sample.push(cells);
    if (sample.length < SAMPLE) continue;
    layout = layoutOf(columns, heads, sample, width);
    yield* begin(layout, sample);
    sample = [];
  }
  if (layout === undefined) yield* begin(layoutOf(columns, heads, sample, width), sample);
}

interface Layout {
  head: readonly string[];
  row(cells: readonly string[]): readonly string[];
}

function* begin({ head, row }: Layout, sample: readonly (readonly string[])[]) {
  yield* head;
  for (const cells of sample) yield* row(cells);
}

function layoutOf(
  columns: readonly Column[],
  heads: readonly string[],
  sample: readonly (readonly string[])[],
  width: number | undefined,
): Layout {
  const wanted = heads.map((head, at) =>
    Math.min(WIDEST, Math.max(...[head, ...sample.map((cells) => cells[at] ?? "")].map(displayWidth))),
  );
  const widths = width === undefined ? wanted : fitted(wanted, width);
  if (widths === undefined) return recordsOf(heads, width ?? WIDEST);
  const line = (cells: readonly string[]) =>
    widths
      .map((room, at) => {
        const cell = cut(cells[at] ?? "", width === undefined ? WIDEST : room);
        const number = NUMBERS.has(columns[at]?.type ?? "");
        return number ? " ".repeat(Math.max(0, room - displayWidth(cell))) + cell : padded(cell, room);
      })
      .join(GAP)
      .trimEnd();
  const rule = widths.map((room) => "-".repeat(room)).join(GAP);
  return { head: [line(heads), rule], row: (cells) => [line(cells)] };
}

/** Takes from the widest until all fit; undefined when they would become too narrow to read. */
function fitted(wanted: readonly number[], width: number): number[] | undefined {
  const widths = [...wanted];
  let over = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1) - width;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) return undefined;
    widths[widths.indexOf(widest)] = widest - 1;
    over--;
  }
  return widths;
}

/** Each row as lines of its own: a name, and what it is. */
function recordsOf(heads: readonly string[], width: number): Layout {
  const names = Math.min(Math.max(...heads.map(displayWidth)), Math.floor(width / 3));
  let count = 0;
  return {
    head: [],
    row: (cells) => [
      `-- row ${++count}`,
      ...heads.map((head, at) => cut(`${padded(cut(head, names), names)}${GAP}${cells[at] ?? ""}`, width)),
    ],
  };
}

/** NULL is told from the text "NULL", and an empty text from nothing. */
function cellOf(value: string | null): string {
  if (value === null) return "NULL";
  return value === "" || value === "NULL" ? `"${value}"` : visible(value);
}

/** On one line, with nothing that a terminal would obey. */
function visible(text: string): string {
  return plain(text).replaceAll("\n", "\\n");
}
