/** The rows of one table on their way: read, judged value by value, added up, and written as COPY reads them. */
import { ContentSums, inOrder } from "../../core/import/content-sum.ts";
import type { PlannedTable } from "../../core/import/sqlite-plan.ts";
import { LISTED, type RefusedValue } from "../../core/import/sqlite-report.ts";
import { converter } from "../../core/import/sqlite-values.ts";
import type { SqliteDatabase, SqliteRow } from "./sqlite.ts";

/** Characters that are sent together. */
const PIECE = 128 * 1024;

/** Rows after which others of this process get their turn, where nothing is sent. */
const TURN = 1_000;

export class SqliteRows {
  readonly sums = new ContentSums();
  readonly refusals: RefusedValue[] = [];
  /** Values, also those that are not listed. */
  refused = 0;
  /** Rows read. */
  read = 0;
  readonly #rows: Generator<SqliteRow>;
  readonly #columns: { from: string; convert: ReturnType<typeof converter> }[];
  /** Where the column stands in a content sum. */
  readonly #places: number[];

  constructor(database: SqliteDatabase, { from, columns }: PlannedTable) {
    this.#rows = database.rows(
      from,
      columns.map((column) => column.from),
    );
    this.#columns = columns.map(({ from, target, mapping }) => ({
      from,
      convert: converter(target, mapping),
    }));
    const names = inOrder(columns.map(({ target }) => target)).map(({ name }) => name);
    this.#places = columns.map(({ target }) => names.indexOf(target.name));
  }

  /** The lines of COPY's text format in pieces; nothing any more once a value was refused, for then nothing comes over. */
  async *pieces(onRows: () => void): AsyncGenerator<Uint8Array> {
    let piece = "";
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      if (this.refused === 0) piece += line;
      if (piece.length < PIECE) {
        if (this.read % TURN === 0) await new Promise(setImmediate);
        continue;
      }
      onRows();
      yield Buffer.from(piece);
      piece = "";
    }
    onRows();
    if (piece !== "" && this.refused === 0) yield Buffer.from(piece);
  }

  /** Reads what is left, for what it says of the values. */
  async drain(onRows: () => void): Promise<void> {
    for await (const _ of this.pieces(onRows));
  }

  /** One more that is refused, by whoever. */
  refuse(value: RefusedValue): void {
    this.refused++;
    if (this.refusals.length < LISTED) this.refusals.push(value);
  }

  #next(): string | undefined {
    const next = this.#rows.next();
    if (next.done) return undefined;
    this.read++;
    const { row, values } = next.value;
    const canonical: (string | null)[] = new Array(values.length).fill(null);
    let line = "";
    for (const [at, { from, convert }] of this.#columns.entries()) {
      const value = values[at];
      if (value === undefined) throw new Error(`the row has no value for "${from}"`);
      const converted = "problem" in value ? value : convert(value);
      if (at > 0) line += "\t";
      if ("problem" in converted) this.refuse({ row: row(), column: from, reason: converted.problem });
      else if ("null" in converted) line += "\\N";
      else {
        line += escaped(converted.text);
        canonical[this.#places[at] ?? at] = converted.canonical;
      }
    }
    this.sums.add(canonical);
    return `${line}\n`;
  }
}

/** As COPY's text format has it. */
function escaped(text: string): string {
  return /[\\\t\n\r]/.test(text)
    ? text.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? "")
    : text;
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
