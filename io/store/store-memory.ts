/** What a process knows of a store: its newest head, the files and indices that go with it, and how all of it follows the commits of others. */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition, StoreModel } from "../../core/store/definition.ts";
import { keyRow, keyText } from "../../core/store/keys.ts";
import { mayHold, pathPrefix } from "../../core/store/paths.ts";
import { pointersTo } from "../../core/store/relations.ts";
import type { Row } from "../../core/store/store.ts";
import { inParallel } from "../in-parallel.ts";
import { changesOf } from "./changes.ts";
import { isYounger } from "./file-state.ts";
import { type Changes, definitionDigest, type Head, parseHead } from "./head.ts";
import { ModelIndex } from "./model-index.ts";
import { HEAD, type Place } from "./place.ts";
import { StoreFiles } from "./store-files.ts";

/** The store as one commit left it. */
export interface Known {
  head: Head;
  /** Of `head.json`. */
  tag: string;
  /** What the commit changed, which the files may lack. */
  changes: Changes;
  /** The same by model and the key's text; null is gone. */
  rows: ReadonlyMap<string, ReadonlyMap<string, Row | null>>;
}

/** Others have committed since: whoever looks at an older moment begins again. */
export class Behind extends Error {
  override readonly name = "Behind";
}

export class StoreMemory {
  readonly place: Place;
  readonly definition: StoreDefinition;
  readonly models: ReadonlyMap<string, StoreModel>;
  readonly files: StoreFiles;
  readonly #digest: string;
  readonly #referenced: ReadonlyMap<string, (readonly string[])[]>;
  readonly #indexes = new Map<string, { index: ModelIndex; turn: Promise<void> }>();
  #known: Known | undefined;
  /** The newest commit that the files are known to have. */
  settled = -1;

  constructor(place: Place, definition: StoreDefinition, room: number) {
    this.place = place;
    this.definition = definition;
    this.models = new Map(definition.models.map((model) => [model.name, model]));
    this.files = new StoreFiles(place, this.models, room, async () => {
      const known = this.#known;
      const found = known && (await place.readIf(HEAD, known.tag));
      if (known === undefined || found === undefined) throw new Behind();
      return found === "same" ? known.head.seq : parseHead(found.bytes).seq;
    });
    this.#digest = definitionDigest(definition);
    this.#referenced = new Map(
      [...pointersTo(definition)].map(([model, pointers]) => [
        model,
        pointers.map(({ relation }) => relation.referencedColumns),
      ]),
    );
  }

  /** The store as it is now. Throws `StoreMissing`, `StoreDefinitionDiffers`, `StoreFileDamaged`. */
  async newest(): Promise<Known> {
    for (let missing: unknown; ; ) {
      const before = this.#known;
      const found = before ? await this.place.readIf(HEAD, before.tag) : await this.place.read(HEAD);
      if (found === undefined) throw new RehearsalError("StoreMissing", { place: this.place.where });
      // What another call has found meanwhile is as new.
      if (found === "same") return this.#known ?? this.newest();
      const head = parseHead(found.bytes);
      if (head.definition !== this.#digest)
        throw new RehearsalError("StoreDefinitionDiffers", { place: this.place.where });
      try {
        const known = knownOf(this.models, head, found.tag, await changesOf(this.place, head));
        this.#advance(known);
        return this.#known ?? known;
      } catch (error) {
        // The object of a commit's changes goes when the next one has come; nobody waits for one that does not.
        if (!(error instanceof RehearsalError) || error.code !== "StoreFileDamaged" || missing !== undefined)
          throw error;
        missing = error;
      }
    }
  }

  /** A commit of this process, which its files are about to get; all else that is in memory goes on with it. */
  committed(on: Known, next: Known): void {
    if (this.#known !== on) return;
    this.#known = next;
    for (const { index } of this.#indexes.values()) {
      for (const [path, changes] of next.changes) index.change(path, changes);
      // What is being read may lack either; the one before is known beside the files no more.
      if (index.reading > 0)
        for (const path of [...on.changes.keys(), ...next.changes.keys()])
          if (mayHold(index.model, path)) index.dirty.add(path);
    }
  }

  /** A row as its file has it. Throws `Behind`. */
  async row(known: Known, model: StoreModel, text: string, path: string): Promise<Row | undefined> {
    const last = known.rows.get(model.name)?.get(text);
    if (last !== undefined) return last ?? undefined;
    const state = await this.files.at(path);
    if (isYounger(state, known.head.seq)) throw new Behind();
    return state.rows.get(model.name)?.get(text);
  }

  /** The model's index, which has all of that commit until somebody is awaited. Throws `Behind`. */
  async index(known: Known, model: StoreModel): Promise<ModelIndex> {
    let kept = this.#indexes.get(model.name);
    if (kept === undefined) {
      const index = new ModelIndex(model, this.#referenced.get(model.name) ?? []);
      kept = { index, turn: this.#build(index) };
      this.#indexes.set(model.name, kept);
      // One that could not be built is built again by the next who asks.
      const { turn } = kept;
      turn.catch(() => {
        if (this.#indexes.get(model.name)?.index === index) this.#indexes.delete(model.name);
      });
    }
    await kept.turn;
    while (kept.index.dirty.size > 0) {
      const { index, turn } = kept;
      // A failure is for whoever asked, and the next one tries again.
      const refreshed = turn.then(() => this.#refresh(index));
      kept.turn = refreshed.catch(() => undefined);
      await refreshed;
    }
    if (this.#known !== known || this.#indexes.get(model.name) !== kept) throw new Behind();
    return kept.index;
  }

  async #build(index: ModelIndex): Promise<void> {
    index.reading++;
    try {
      const paths: string[] = [];
      for await (const { path } of this.place.list(pathPrefix(index.model.file)))
        if (mayHold(index.model, path)) paths.push(path);
      await inParallel(paths, (path) => this.#read(index, path));
      for (const [path, changes] of this.#known?.changes ?? []) index.change(path, changes);
    } finally {
      index.reading--;
    }
  }

  async #refresh(index: ModelIndex): Promise<void> {
    index.reading++;
    try {
      const paths = [...index.dirty];
      await inParallel(paths, async (path) => {
        index.dirty.delete(path);
        await this.#read(index, path);
        if (index.dirty.has(path)) throw new Behind();
      });
    } finally {
      index.reading--;
    }
  }

  async #read(index: ModelIndex, path: string): Promise<void> {
    try {
      const state = await this.files.at(path);
      index.reload(path, state.rows.get(index.model.name) ?? new Map());
      index.change(path, this.#known?.changes.get(path) ?? []);
      // What is newer than all that is known has to be read again when it is known.
      if (isYounger(state, this.#known?.head.seq ?? 0)) index.dirty.add(path);
    } catch (error) {
      index.dirty.add(path);
      throw error;
    }
  }

  #advance(next: Known): void {
    const before = this.#known;
    if (before !== undefined && before.head.seq > next.head.seq) return;
    this.#known = next;
    if (before === undefined) return;
    const { seq, last } = before.head;
    // The files may have been read without that commit's own change, which was known beside them.
    const from = last === null ? seq + 1 : seq;
    const commits = next.head.recent.filter((commit) => commit.seq >= from);
    const told = commits.length === next.head.seq - from + 1 && commits.every(({ files }) => files !== null);
    this.files.changed(told ? commits : undefined);
    if (!told) {
      this.#indexes.clear();
      return;
    }
    // While it is read, files may have been read, or listed, without the commit that was known beside them.
    for (const { index } of this.#indexes.values())
      for (const commit of commits)
        if (commit.seq > seq || index.reading > 0)
          for (const path of commit.files ?? []) if (mayHold(index.model, path)) index.dirty.add(path);
  }
}

export function knownOf(
  models: ReadonlyMap<string, StoreModel>,
  head: Head,
  tag: string,
  changes: Changes,
): Known {
  const rows = new Map<string, Map<string, Row | null>>();
  for (const list of changes.values())
    for (const change of list) {
      const model = models.get(change.model);
      if (model === undefined) continue;
      const of = rows.get(model.name) ?? new Map<string, Row | null>();
      rows.set(model.name, of);
      if ("put" in change) of.set(keyText(model, change.put), change.put);
      else {
        // A row that goes from one file to another is deleted in the one, and is still there.
        const text = keyText(model, keyRow(model, change.delete));
        if (!of.has(text)) of.set(text, null);
      }
    }
  return { head, tag, changes, rows };
}
