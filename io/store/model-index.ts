/** A model's rows in memory, without their values: by key, by file, and by the columns of each index, as one commit has them. */
import type { StoreModel } from "../../core/store/definition.ts";
import { compareKeys, indexText, keyRow, keyText } from "../../core/store/keys.ts";
import type { Row } from "../../core/store/store.ts";
import type { FileChange } from "./head.ts";

export interface Entry {
  /** Of the key. */
  text: string;
  key: Row;
  path: string;
  /** By finder. */
  found: string[];
}

/** Columns that rows are found by: an index's, a unique constraint's, a relation's, or the first ones of the key. */
interface Finder {
  columns: readonly string[];
  entries: Entries;
}

/** By a text; a single entry, as unique ones are, is not worth a set. */
type Entries = Map<string, Entry | Set<Entry>>;

export class ModelIndex {
  readonly model: StoreModel;
  /** Files that have changed since they were read into it. */
  readonly dirty = new Set<string>();
  /** Its files are being read: what is committed meanwhile has to be read once more. */
  reading = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #byPath: Entries = new Map();
  readonly #finders: Finder[];
  #ordered: Entry[] | undefined;

  constructor(model: StoreModel, referenced: readonly (readonly string[])[]) {
    this.model = model;
    this.#finders = findersOf(model, referenced).map((columns) => ({ columns, entries: new Map() }));
  }

  get(text: string): Entry | undefined {
    return this.#entries.get(text);
  }

  /** All, in the order of their keys. */
  ordered(): readonly Entry[] {
    this.#ordered ??= [...this.#entries.values()].sort((one, other) =>
      compareKeys(this.model, one.key, other.key),
    );
    return this.#ordered;
  }

  /** Those whose columns, in whatever order they are given, have these values; undefined when nothing declared finds rows by them. */
  find(columns: readonly string[], row: Row): Iterable<Entry> | undefined {
    if (columns.length === 0) return this.#entries.values();
    const finder = this.#finders.find((one) => sameColumns(one.columns, columns));
    if (finder === undefined) return undefined;
    return all(finder.entries.get(indexText(this.model, finder.columns, row)));
  }

  set(row: Row, path: string): void {
    const text = keyText(this.model, row);
    let entry = this.#entries.get(text);
    if (entry === undefined) {
      entry = { text, key: keyRow(this.model, row), path, found: [] };
      this.#entries.set(text, entry);
      this.#ordered = undefined;
    } else this.#unlink(entry);
    entry.path = path;
    entry.found = this.#finders.map(({ columns }) => indexText(this.model, columns, row));
    added(this.#byPath, path, entry);
    for (const [at, { entries }] of this.#finders.entries()) added(entries, entry.found[at] ?? "", entry);
  }

  /** A row that has gone from a file; nothing when it stands in another one by now. */
  remove(text: string, path: string): void {
    const entry = this.#entries.get(text);
    if (entry?.path !== path) return;
    this.#unlink(entry);
    this.#entries.delete(text);
    this.#ordered = undefined;
  }

  /** All of a file's rows, as it has been read anew. */
  reload(path: string, rows: ReadonlyMap<string, Row>): void {
    for (const { text } of [...all(this.#byPath.get(path))]) if (!rows.has(text)) this.remove(text, path);
    for (const row of rows.values()) this.set(row, path);
  }

  /** A commit's changes to a file. */
  change(path: string, changes: readonly FileChange[]): void {
    for (const change of changes) {
      if (change.model !== this.model.name) continue;
      if ("put" in change) this.set(change.put, path);
      else this.remove(keyText(this.model, keyRow(this.model, change.delete)), path);
    }
  }

  #unlink(entry: Entry): void {
    removed(this.#byPath, entry.path, entry);
    for (const [at, { entries }] of this.#finders.entries()) removed(entries, entry.found[at] ?? "", entry);
  }
}

export function sameColumns(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((column) => other.includes(column));
}

/** Each set of columns once. */
function findersOf(
  { key, unique, indexes, relations }: StoreModel,
  referenced: readonly (readonly string[])[],
): (readonly string[])[] {
  const all = [
    ...[...unique, ...indexes, ...relations].map(({ columns }) => columns),
    ...referenced,
    ...key.slice(1).map((_, length) => key.slice(0, length + 1)),
  ];
  return all.filter((columns, at) => all.findIndex((other) => sameColumns(other, columns)) === at);
}

function all(found: Entry | Set<Entry> | undefined): Iterable<Entry> {
  if (found === undefined) return [];
  return found instanceof Set ? found : [found];
}

function added(entries: Entries, text: string, entry: Entry): void {
  const found = entries.get(text);
  if (found === undefined) entries.set(text, entry);
  else if (found instanceof Set) found.add(entry);
  else entries.set(text, new Set([found, entry]));
}

function removed(entries: Entries, text: string, entry: Entry): void {
  const found = entries.get(text);
  if (found instanceof Set) found.delete(entry);
  if (found === entry || (found instanceof Set && found.size === 0)) entries.delete(text);
}
