/** What a restore has to load, and in which order its sessions take it. */
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import { type BackupManifest, type CopiedObject, manifestAmount } from "../../core/backup-manifest.ts";
import type { Writers } from "../../core/changed-tables.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { OnProgress } from "../../core/progress.ts";
import { copyStatement } from "./copy-plan.ts";

/** An object and where its bytes go. */
export interface Load {
  object: CopiedObject;
  /** Undefined for large objects. */
  copyInto: string | undefined;
  /** The entry of the data that it is of; for large objects a number that no entry has. */
  tocId: number;
  what: string;
}

const LARGE_OBJECTS = -1;

/** Holds manifest and table of contents against each other: every table has its objects or is said to be empty, and no object is a stranger. */
export function planLoads(archive: Archive, manifest: BackupManifest): Load[] {
  const tables = new Map(
    archive.entries.filter((entry) => entry.kind === "TABLE DATA").map((entry) => [entry.id, entry]),
  );
  const unfit = (reason: string) => new RehearsalError("BackupCorrupt", { object: manifest.toc.key, reason });
  const loads = manifest.data.map((object): Load => {
    const entry: ArchiveEntry | undefined = tables.get(object.tocId);
    if (entry === undefined || copyStatement(entry) !== object.copyInto)
      throw unfit(`the manifest's object "${object.key}" belongs to no table in it`);
    return { object, copyInto: object.copyInto, tocId: object.tocId, what: object.table };
  });
  const accounted = new Set([...manifest.data.map((object) => object.tocId), ...manifest.emptyTables]);
  for (const [id, entry] of tables)
    if (!accounted.has(id)) throw unfit(`the manifest says nothing of the rows of ${entry.tag}`);
  return loads;
}

/**
 * The objects neither begun nor loaded before, and how far it is. A session stays with its table, and takes the largest that nobody
 * loads when it is done: rows that lay together come to lie together. Only when there is no such table does it help another.
 */
export class LoadQueue {
  readonly writers: Writers = {};
  /** By the entry of the data, how many of its objects are still to be loaded. */
  #left: Map<number, number>;
  /** By table, the largest first. */
  #untouched: Load[][];
  #begun: Load[][] = [];
  #largeObjects: Load[];
  #done = { bytes: 0, rows: 0 };
  #total: { bytes: number; rows: number };
  #onProgress: OnProgress | undefined;

  /** `loaded`: the objects that an earlier attempt has loaded, and who wrote their rows. */
  constructor(
    loads: Load[],
    manifest: BackupManifest,
    loaded: Readonly<Writers>,
    onProgress: OnProgress | undefined,
  ) {
    const isLeft = ({ key }: CopiedObject) => !Object.hasOwn(loaded, key);
    for (const { key, rawBytes, rows } of manifest.data) {
      const writer = loaded[key];
      if (writer === undefined) continue;
      this.writers[key] = writer;
      this.#done = { bytes: this.#done.bytes + rawBytes, rows: this.#done.rows + rows };
    }
    for (const object of manifest.largeObjects) if (!isLeft(object)) this.#done.bytes += object.rawBytes;
    const left = loads.filter(({ object }) => isLeft(object));
    const tables = Map.groupBy(left, ({ what }) => what);
    this.#untouched = [...tables.values()]
      .map((table) => ({ table, bytes: table.reduce((sum, { object }) => sum + object.rawBytes, 0) }))
      .sort((one, other) => other.bytes - one.bytes)
      .map(({ table }) => table);
    this.#largeObjects = manifest.largeObjects
      .filter(isLeft)
      .map((object) => ({ object, copyInto: undefined, tocId: LARGE_OBJECTS, what: "large objects" }));
    this.#left = new Map();
    for (const { tocId } of [...left, ...this.#largeObjects])
      this.#left.set(tocId, (this.#left.get(tocId) ?? 0) + 1);
    this.#total = manifestAmount(manifest);
    this.#onProgress = onProgress;
  }

  /** How many objects there are to load. */
  get left(): number {
    return [...this.#left.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The entries of the data that are not loaded yet. */
  get unfilled(): Set<number> {
    return new Set(this.#left.keys());
  }

  /** The object is loaded for good; true when it was the last of its entry. */
  loaded({ tocId }: Load): boolean {
    const left = (this.#left.get(tocId) ?? 0) - 1;
    if (left > 0) this.#left.set(tocId, left);
    else this.#left.delete(tocId);
    return left === 0;
  }

  /** What one session is to load, one after the other; large objects' bytes come last, for the objects must be there. */
  *forOneSession(): Generator<Load> {
    for (let table = this.#nextTable(); table !== undefined; table = this.#nextTable())
      for (let load = table.shift(); load !== undefined; load = table.shift()) yield load;
    for (let load = this.#largeObjects.shift(); load !== undefined; load = this.#largeObjects.shift())
      yield load;
  }

  #nextTable(): Load[] | undefined {
    const next = this.#untouched.shift();
    if (next !== undefined) {
      this.#begun.push(next);
      return next;
    }
    this.#begun = this.#begun.filter((table) => table.length > 0);
    const [most] = this.#begun.sort((one, other) => other.length - one.length);
    return most;
  }

  /** Adds what was loaded, and tells how far all is. */
  tell(load: Load, amount: { bytes: number; rows: number }): void {
    this.#done.bytes += amount.bytes;
    this.#done.rows += amount.rows;
    this.#onProgress?.({ done: { ...this.#done }, total: this.#total, now: load.what });
  }
}
