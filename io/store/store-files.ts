/** The store's files through memory: each is parsed once, kept while there is room, and read again only when another process has changed it. */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreModel } from "../../core/store/definition.ts";
import { lineText } from "../../core/store/files.ts";
import {
  changeRows,
  type FileState,
  fileBytes,
  isLines,
  type ModelRows,
  noFile,
  parseFile,
  rowsOf,
} from "./file-state.ts";
import type { FileChange, Recent } from "./head.ts";
import type { Place } from "./place.ts";
import { storeMilestone } from "./store-milestone.ts";

/** A file of lines is written anew when it has so many of them, and this many times as many as rows. */
const MANY_LINES = 64;
const DEAD_LINES = 4;

interface Kept {
  state: FileState;
  /** It is what the newest head that was read says, but for that head's own change. */
  fresh: boolean;
  weight: number;
}

/** What a file costs in memory beside its bytes. */
const EACH = 500;

export class StoreFiles {
  readonly #place: Place;
  readonly #models: ReadonlyMap<string, StoreModel>;
  readonly #room: number;
  /** Reads the number of the head that there is now. */
  readonly #seqNow: () => Promise<number>;
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #loading = new Map<string, Promise<FileState>>();
  /** What is being written, until somebody else is heard to have changed it. */
  readonly #writing = new Map<string, symbol>();
  #bytes = 0;

  constructor(
    place: Place,
    models: ReadonlyMap<string, StoreModel>,
    room: number,
    seqNow: () => Promise<number>,
  ) {
    this.#place = place;
    this.#models = models;
    this.#room = room;
    this.#seqNow = seqNow;
  }

  /** What is kept in memory, in bytes of files. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The file as it is now, or was a moment ago and nobody has committed since. Whoever looks at an older moment has to ask
   * `isYounger`. The state is the cache's own: it may change whenever somebody is awaited.
   */
  at(path: string): Promise<FileState> {
    const kept = this.#kept.get(path);
    if (kept?.fresh === true) {
      // Used last.
      this.#kept.delete(path);
      this.#kept.set(path, kept);
      return Promise.resolve(kept.state);
    }
    const under = this.#loading.get(path);
    if (under !== undefined) return under;
    const loading: Promise<FileState> = this.#load(this.#place, path, kept?.state).then(
      async (state) => {
        // It may have gone by a commit that whoever asks does not know of yet.
        if (state.tag === undefined && this.#place.appends) state.since = await this.#seqNow();
        state.unsure = this.#place.appends && isLines(path);
        // Somebody has changed it meanwhile, or said that it was: what was read is for whoever asked before.
        if (this.#loading.get(path) === loading) {
          this.#loading.delete(path);
          this.#keep(path, state);
        }
        return state;
      },
      (error: unknown) => {
        if (this.#loading.get(path) === loading) this.#loading.delete(path);
        throw error;
      },
    );
    this.#loading.set(path, loading);
    return loading;
  }

  /** Others have committed these; `undefined`: nobody knows what. */
  changed(commits: readonly Recent[] | undefined): void {
    if (commits === undefined) {
      for (const kept of this.#kept.values()) kept.fresh = false;
      this.#loading.clear();
      this.#writing.clear();
      return;
    }
    for (const { seq, files } of commits)
      for (const path of files ?? []) {
        const kept = this.#kept.get(path);
        if (kept !== undefined && (kept.state.seq < seq || (kept.state.seq === seq && kept.state.unsure)))
          kept.fresh = false;
        this.#loading.delete(path);
        this.#writing.delete(path);
      }
  }

  /**
   * Writes a commit's changes into a file, unless they are in it. Any number of processes may do the same at once, and long
   * afterwards: a file that has a newer number is left alone.
   */
  async settle(held: Place, path: string, seq: number, changes: readonly FileChange[]): Promise<void> {
    const kept = this.#kept.get(path);
    const writing = Symbol(path);
    this.#writing.set(path, writing);
    let state = kept?.fresh === true ? kept.state : await this.#load(held, path, kept?.state);
    while (state.seq < seq || (state.seq === seq && isCut(path, state, changes))) {
      const written = await this.#write(held, path, state, seq, changes);
      state = written ?? (await this.#load(held, path, undefined));
    }
    // What somebody began to read before may or may not have it, whoever wrote it.
    this.#loading.delete(path);
    if (this.#writing.get(path) === writing) {
      this.#writing.delete(path);
      this.#keep(path, state);
    } else this.#drop(path);
    storeMilestone(held.where, "file");
  }

  /** Undefined when the file is not what it was. */
  async #write(
    held: Place,
    path: string,
    state: FileState,
    seq: number,
    changes: readonly FileChange[],
  ): Promise<FileState | undefined> {
    expectOurs(held, path, state, seq, changes);
    // A part of these very changes, which somebody died over, goes with what is torn.
    const from = state.seq === seq ? state.lastFrom : state.whole;
    const lines = state.lines - (state.seq === seq ? state.lastCount : 0);
    const live = rowsOf(state) + changes.length;
    const dead = lines + changes.length > Math.max(MANY_LINES, DEAD_LINES * live);
    if (held.appends && isLines(path) && from > 0 && !dead && !isEmptied(this.#models, state, changes)) {
      const bytes = Buffer.from(linesOf(seq, changes));
      try {
        if ((await held.append(path, bytes, from, state.size)) === "conflict") return undefined;
      } catch (error) {
        // How much of it is there, only the file tells.
        this.#drop(path);
        throw error;
      }
      changeRows(this.#models, state.rows, changes);
      const size = from + bytes.length;
      const last = { lastFrom: from, lastCount: changes.length };
      return Object.assign(state, {
        seq,
        tag: "",
        size,
        whole: size,
        torn: new Uint8Array(0),
        unsure: false,
        lines: lines + changes.length,
        ...last,
      });
    }
    const rows: ModelRows = new Map([...state.rows].map(([model, of]) => [model, new Map(of)]));
    changeRows(this.#models, rows, changes);
    const next: FileState = { ...noFile(seq), rows };
    // Under the folder's lock nobody is misled by a file that is gone; in a bucket its number has to stay.
    if (held.appends && rowsOf(next) === 0) {
      await held.remove(path);
      return next;
    }
    let expected = state.tag;
    if (expected === "") {
      const found = await held.read(path);
      if (found?.bytes.length !== state.size) return undefined;
      expected = found.tag;
    }
    const { bytes, lines: count } = fileBytes(this.#models, path, seq, rows, changes);
    const tag = await held.write(path, bytes, expected);
    if (tag === "conflict") return undefined;
    return Object.assign(next, {
      ...{ tag, size: bytes.length, whole: bytes.length },
      ...{ lines: count, lastFrom: 0, lastCount: count },
    });
  }

  async #load(place: Place, path: string, known: FileState | undefined): Promise<FileState> {
    const tag = known?.tag;
    const found = tag === undefined || tag === "" ? await place.read(path) : await place.readIf(path, tag);
    if (found === "same" && known !== undefined) return known;
    if (found === undefined || found === "same") return noFile();
    return parseFile(this.#models, path, found.bytes, found.tag);
  }

  #keep(path: string, state: FileState): void {
    this.#drop(path);
    const weight = state.size + path.length + EACH;
    this.#kept.set(path, { state, fresh: true, weight });
    this.#bytes += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#room || oldest === path) break;
      this.#drop(oldest);
    }
  }

  #drop(path: string): void {
    this.#bytes -= this.#kept.get(path)?.weight ?? 0;
    this.#kept.delete(path);
  }
}

function linesOf(seq: number, changes: readonly FileChange[]): string {
  return changes.map((change) => lineText({ seq, ...change })).join("");
}

/** Only what a write of these very lines left is cut off: anything else at the end of a file is somebody's row. */
function expectOurs(
  { appends }: Place,
  path: string,
  state: FileState,
  seq: number,
  changes: readonly FileChange[],
): void {
  const { torn, lines, lastCount } = state;
  if (torn.length === 0) return;
  const ours = appends ? linesOf(seq, state.seq === seq ? changes.slice(lastCount) : changes) : "";
  if (Buffer.from(ours).subarray(0, torn.length).equals(torn)) return;
  throw new RehearsalError("StoreFileDamaged", {
    path,
    line: lines + 1,
    reason: "its last line is none, and not what a write that was cut short leaves",
  });
}

/** Whether lines of one commit lack: somebody died over them. What begins a file was written at once. */
function isCut(path: string, { lastFrom, lastCount }: FileState, changes: readonly FileChange[]): boolean {
  return isLines(path) && lastFrom > 0 && lastCount < changes.length;
}

/** Whether no row is left behind the changes. */
function isEmptied(
  models: ReadonlyMap<string, StoreModel>,
  state: FileState,
  changes: readonly FileChange[],
): boolean {
  if (rowsOf(state) > changes.length || changes.some((change) => "put" in change)) return false;
  const rows: ModelRows = new Map([...state.rows].map(([model, of]) => [model, new Map(of)]));
  changeRows(models, rows, changes);
  return [...rows.values()].every(({ size }) => size === 0);
}
