/** What a transaction has written to a model so far, by key and by the columns that rows are found by. */
import type { StoreModel } from "../../core/store/definition.ts";
import { indexText } from "../../core/store/keys.ts";
import type { Row } from "../../core/store/store.ts";

export interface Written {
  text: string;
  key: Row;
  /** As the commit has it that the transaction reads, and the file it is in. */
  before: { row: Row; path: string } | undefined;
  /** Undefined when it is gone. */
  after: Row | undefined;
}

export class WrittenRows {
  readonly rows = new Map<string, Written>();
  readonly #model: StoreModel;
  /** By columns, then by their text. Made when first asked for, and kept then. */
  readonly #found = new Map<string, { columns: readonly string[]; rows: Map<string, Set<Written>> }>();

  constructor(model: StoreModel) {
    this.#model = model;
  }

  set(written: Written): void {
    const { text } = written;
    const old = this.rows.get(text);
    this.rows.set(text, written);
    for (const { columns, rows } of this.#found.values()) {
      if (old?.after !== undefined) rows.get(indexText(this.#model, columns, old.after))?.delete(old);
      this.#enter(columns, rows, written);
    }
  }

  /** Rows that are there and have these values. */
  *find(columns: readonly string[], row: Row): Iterable<Written> {
    if (columns.length === 0) {
      for (const written of this.rows.values()) if (written.after !== undefined) yield written;
      return;
    }
    const by = JSON.stringify(columns);
    let found = this.#found.get(by);
    if (found === undefined) {
      found = { columns, rows: new Map() };
      this.#found.set(by, found);
      for (const written of this.rows.values()) this.#enter(columns, found.rows, written);
    }
    yield* found.rows.get(indexText(this.#model, columns, row)) ?? [];
  }

  #enter(columns: readonly string[], rows: Map<string, Set<Written>>, written: Written): void {
    if (written.after === undefined) return;
    const text = indexText(this.#model, columns, written.after);
    const set = rows.get(text) ?? new Set();
    rows.set(text, set.add(written));
  }
}
