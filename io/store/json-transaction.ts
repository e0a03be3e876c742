/** One transaction on files: what applications ask of it one after the other, on the rows of one commit. */
import { RehearsalError } from "../../core/errors.ts";
import { parseAsked } from "../../core/store/asked.ts";
import { withContents, withoutContents } from "../../core/store/content.ts";
import type { StoreModel } from "../../core/store/definition.ts";
import { keyText } from "../../core/store/keys.ts";
import type { Pointer } from "../../core/store/relations.ts";
import { cell, parseKey, parseRow, put } from "../../core/store/rows.ts";
import type { By, Key, Listed, Page, Row, Writer } from "../../core/store/store.ts";
import { inParallel } from "../in-parallel.ts";
import type { Change } from "./json-store.ts";
import { HEAD } from "./place.ts";
import { keyedOf, ReferentialActions } from "./referential-actions.ts";
import { type Keyed, RowsAtCommit } from "./rows-at-commit.ts";
import { Behind, type Known, type StoreMemory } from "./store-memory.ts";

export class JsonTransaction implements Writer {
  readonly rows: RowsAtCommit;
  /** Files of contents that rows refer to, by path. */
  readonly contents = new Map<string, Uint8Array>();
  readonly #memory: StoreMemory;
  readonly #pointers: ReadonlyMap<string, readonly Pointer[]>;
  /** Asked at once, done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #refused: unknown;
  #ended = false;

  constructor(memory: StoreMemory, known: Known, pointers: ReadonlyMap<string, readonly Pointer[]>) {
    this.rows = new RowsAtCommit(memory, known);
    this.#memory = memory;
    this.#pointers = pointers;
  }

  get(name: string, given: Key): Promise<Row | undefined> {
    return this.#inTurn(async () => {
      const model = this.rows.model(name);
      const key = parseKey(model, given);
      const row = await this.rows.get(model, { text: keyText(model, key), key });
      return row && this.#given(model, row);
    });
  }

  list(name: string, by: By, page?: Page): Promise<Listed> {
    return this.#inTurn(async () => {
      const model = this.rows.model(name);
      const asked = parseAsked(model, by, page);
      const found = await this.rows.page(model, asked);
      const more = found.length > asked.limit;
      const keys = more ? found.slice(0, -1) : found;
      const rows = new Array<Row>(keys.length);
      await inParallel([...keys.entries()], async ([at, keyed]) => {
        const row = await this.rows.get(model, keyed);
        if (row !== undefined) rows[at] = await this.#given(model, row);
      });
      const next = more ? keys.at(-1)?.key : undefined;
      // A row that its file has lost since the index was made would be a hole.
      return {
        rows: rows.filter((row) => row !== undefined),
        ...(next !== undefined && { next: { ...next } }),
      };
    });
  }

  count(name: string): Promise<number> {
    return this.#inTurn(async () => this.rows.count(this.rows.model(name)));
  }

  put(name: string, given: Row): Promise<void> {
    return this.#inTurn(() => this.#write(name, given, false));
  }

  append(name: string, given: Row): Promise<void> {
    return this.#inTurn(() => this.#write(name, given, true));
  }

  delete(name: string, given: Key): Promise<boolean> {
    return this.#inTurn(async () => {
      const model = this.rows.model(name);
      const key = parseKey(model, given);
      const row = await this.rows.get(model, { text: keyText(model, key), key });
      if (row === undefined) return false;
      const actions = new ReferentialActions(this.rows, this.#pointers, { model, key });
      await actions.delete(model, row);
      await actions.end();
      return true;
    });
  }

  /** Puts and deletes as they are told, without a constraint's work. */
  apply(changes: readonly Change[]): Promise<void> {
    return this.#inTurn(async () => {
      const keyed = changes.map((change): Keyed | undefined => {
        const model = this.rows.model(change.model);
        if ("put" in change) return keyedOf(model, change.put);
        return "delete" in change ? keyedOf(model, parseKey(model, change.delete)) : undefined;
      });
      // Read some at once, for each may lie in a file of its own.
      await inParallel([...changes.entries()], async ([at, { model }]) => {
        const one = keyed[at];
        if (one !== undefined) await this.rows.before(this.rows.model(model), one);
      });
      for (const [at, change] of changes.entries()) {
        const model = this.rows.model(change.model);
        const one = keyed[at];
        if (one !== undefined)
          await this.rows.set(model, one, "put" in change ? this.#kept(model, change.put) : undefined);
        else {
          const stays = "clear" in change ? change.but : undefined;
          for (const each of await this.rows.find(model, [], {}))
            if (stays?.(each.text) !== true) await this.rows.set(model, each, undefined);
        }
      }
    });
  }

  /** Ends it: nothing can be asked of it any more. Throws what it was refused by, whoever has caught that. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#turn;
    if (this.#refused !== undefined) throw this.#refused;
  }

  async #write(name: string, given: Row, isNew: boolean): Promise<void> {
    const model = this.rows.model(name);
    const row = this.#kept(model, parseRow(model, given));
    const keyed = keyedOf(model, row);
    const before = await this.rows.get(model, keyed);
    const actions = new ReferentialActions(this.rows, this.#pointers, { model, key: keyed.key });
    if (isNew && before !== undefined)
      throw new RehearsalError("StoreUniqueViolated", {
        model: name,
        constraint: "primary key",
        key: JSON.stringify(keyed.key),
      });
    await actions.write(model, before, row);
    await actions.end();
  }

  /** A row as files have it; whoever gave it may change it afterwards. */
  #kept(model: StoreModel, given: Row): Row {
    const { row, files } = withoutContents(model, given);
    for (const { path, bytes } of files) this.contents.set(path, bytes);
    return copied(model, row);
  }

  /** A row as applications have it, and may change it. */
  async #given(model: StoreModel, row: Row): Promise<Row> {
    const whole = await withContents(
      model,
      row,
      async (path) => this.contents.get(path) ?? (await this.#content(path)),
    );
    return copied(model, whole);
  }

  /** A content that is not there may have been swept, with a row that is gone by now. */
  async #content(path: string): Promise<Uint8Array | undefined> {
    const { place } = this.#memory;
    const found = await place.read(path);
    if (found === undefined && (await place.readIf(HEAD, this.rows.known.tag)) !== "same") throw new Behind();
    return found?.bytes;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended) return Promise.reject(new RehearsalError("StoreClosed", {}));
    const turn = this.#turn.then(async () => {
      if (this.#refused !== undefined) throw new RehearsalError("StoreClosed", {});
      try {
        return await work();
      } catch (error) {
        this.#refused ??= error;
        throw error;
      }
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** All of the model's columns, in their order. */
function copied(model: StoreModel, row: Row): Row {
  const copy: Record<string, Row[string]> = {};
  for (const { name } of model.columns) {
    const value = cell(row, name);
    put(copy, name, typeof value === "object" && value !== null ? structuredClone(value) : value);
  }
  return copy;
}
