/** The rows of a store as one commit has them, with what a transaction has written on top: what constraints are checked on, and what becomes the next commit. */
import type { StoreModel } from "../../core/store/definition.ts";
import { addDigest, type ContentSum, removeDigest, rowDigest } from "../../core/store/digest.ts";
import { compareKeys, keyOf, keyRow, keyText } from "../../core/store/keys.ts";
import { keyTellsPath, pathOf } from "../../core/store/paths.ts";
import { modelNamed } from "../../core/store/relations.ts";
import type { Row } from "../../core/store/store.ts";
import type { FileChange } from "./head.ts";
import { sameColumns } from "./model-index.ts";
import type { Known, StoreMemory } from "./store-memory.ts";
import { type Written, WrittenRows } from "./written-rows.ts";

/** A row's key, and its text. */
export interface Keyed {
  text: string;
  key: Row;
}

/** Whatever it reads throws `Behind` when others have committed since. Rows are as the files have them, and not to be changed. */
export class RowsAtCommit {
  readonly known: Known;
  readonly #memory: StoreMemory;
  readonly #written = new Map<string, WrittenRows>();
  readonly #before = new Map<string, Map<string, Promise<Written["before"]>>>();

  constructor(memory: StoreMemory, known: Known) {
    this.known = known;
    this.#memory = memory;
  }

  model(name: string): StoreModel {
    return this.#memory.models.get(name) ?? modelNamed(this.#memory.definition, name);
  }

  async get(model: StoreModel, { text, key }: Keyed): Promise<Row | undefined> {
    const written = this.#written.get(model.name)?.rows.get(text);
    return written === undefined ? (await this.before(model, { text, key }))?.row : written.after;
  }

  /** Writes the row, or takes it away. */
  async set(model: StoreModel, { text, key }: Keyed, after: Row | undefined): Promise<void> {
    const rows = this.#written.get(model.name) ?? new WrittenRows(model);
    this.#written.set(model.name, rows);
    const before = rows.rows.get(text);
    rows.set({
      text,
      key,
      before: before === undefined ? await this.before(model, { text, key }) : before.before,
      after,
    });
  }

  /** Those whose columns, which are declared ones, have these values; in no order. */
  async find(model: StoreModel, columns: readonly string[], row: Row): Promise<Keyed[]> {
    if (sameColumns(columns, model.key)) {
      const keyed = { text: keyText(model, row), key: keyRow(model, row) };
      return (await this.get(model, keyed)) === undefined ? [] : [keyed];
    }
    const index = await this.#memory.index(this.known, model);
    const written = this.#written.get(model.name);
    const found: Keyed[] = [];
    for (const entry of index.find(columns, row) ?? []) if (!written?.rows.has(entry.text)) found.push(entry);
    if (written !== undefined) found.push(...written.find(columns, row));
    return found;
  }

  /** A page of the keys whose columns have these values, in their order: one more than `limit` when there are more. */
  async page(
    model: StoreModel,
    { by, after, limit }: { by: Row; after?: Row; limit: number },
  ): Promise<Keyed[]> {
    const columns = Object.keys(by);
    const all = columns.length === 0 && !this.#written.has(model.name);
    const found: readonly Keyed[] = all
      ? (await this.#memory.index(this.known, model)).ordered()
      : (await this.find(model, columns, by)).sort((one, other) => compareKeys(model, one.key, other.key));
    const from = after === undefined ? 0 : behind(model, found, after);
    return found.slice(from, from + limit + 1);
  }

  count(model: StoreModel): number {
    let rows = this.known.head.models[model.name]?.rows ?? 0;
    for (const { before, after } of this.#written.get(model.name)?.rows.values() ?? [])
      rows += (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    return rows;
  }

  /** As the commit has it. */
  before(model: StoreModel, { text, key }: Keyed): Promise<Written["before"]> {
    const of = this.#before.get(model.name) ?? new Map<string, Promise<Written["before"]>>();
    this.#before.set(model.name, of);
    let before = of.get(text);
    if (before === undefined) {
      before = this.#read(model, text, key);
      of.set(text, before);
    }
    return before;
  }

  /** What is to be done to the files, and what the models hold then; nothing for what is as it was. */
  changes(): { changes: Map<string, FileChange[]>; models: Record<string, ContentSum> } {
    const changes = new Map<string, FileChange[]>();
    const models: Record<string, ContentSum> = { ...this.known.head.models };
    const change = (path: string, one: FileChange) => {
      const of = changes.get(path);
      if (of === undefined) changes.set(path, [one]);
      else of.push(one);
    };
    for (const [name, { rows }] of this.#written) {
      const model = this.model(name);
      let sum = models[name];
      if (sum === undefined) continue;
      for (const { key, before, after } of rows.values()) {
        const was = before && rowDigest(model, before.row);
        const is = after && rowDigest(model, after);
        if (was === is) continue;
        if (was !== undefined) sum = removeDigest(sum, was);
        if (is !== undefined) sum = addDigest(sum, is);
        const path = after && pathOf(model, after);
        if (before !== undefined && before.path !== path)
          change(before.path, { model: name, delete: keyOf(model, key) });
        if (after !== undefined && path !== undefined) change(path, { model: name, put: after });
      }
      models[name] = sum;
    }
    return { changes, models };
  }

  async #read(model: StoreModel, text: string, key: Row): Promise<Written["before"]> {
    const path = keyTellsPath(model)
      ? pathOf(model, key)
      : (await this.#memory.index(this.known, model)).get(text)?.path;
    if (path === undefined) return undefined;
    const row = await this.#memory.row(this.known, model, text, path);
    return row && { row, path };
  }
}

/** Where those begin that come behind the key. */
function behind(model: StoreModel, found: readonly Keyed[], after: Row): number {
  let [from, to] = [0, found.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const { key } = found[middle] as Keyed;
    if (compareKeys(model, key, after) > 0) to = middle;
    else from = middle + 1;
  }
  return from;
}
