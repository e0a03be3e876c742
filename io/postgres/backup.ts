/** Backs up one database as it is at one instant: structure, rows, large objects and baseline under a single snapshot, the manifest last. */
import { randomUUID } from "node:crypto";
import { parseArchive } from "../../core/archive.ts";
import {
  type BackupManifest,
  type CopiedObject,
  manifestBytes,
  parseManifest,
} from "../../core/backup-manifest.ts";
import type { Baseline } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { OnProgress } from "../../core/progress.ts";
import { writeObject } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import {
  assertUndisturbed,
  exportSnapshot,
  readDatabase,
  readExtensions,
  readNotCarried,
  readServer,
} from "./backup-facts.ts";
import { readBaseline } from "./baseline.ts";
import { openCopySession } from "./copy.ts";
import { CHUNK_BYTES, type CopiedTable, type CopyUnit, planCopies } from "./copy-plan.ts";
import { dumpTableOfContents } from "./dump/index.ts";
import { assertDirect } from "./pooler.ts";
import { portableSettings } from "./portable-settings.ts";
import { loadsThroughRoots } from "./scattered.ts";
import { openSession } from "./session.ts";
import { dropOnAbort, together } from "./together.ts";

export interface BackupOptions {
  source: DatabaseAddress;
  /** Shown in pg_stat_activity. */
  application: string;
  store: ObjectStore;
  /** Of every key; ends with a slash. One prefix holds one backup: `PREFIXmanifest.json`. */
  prefix: string;
  /** Sessions that copy, besides the one that holds the snapshot and reads the baseline and the one that holds the locks. */
  connections: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** A COPY in which the server is silent for so long is given up; 120 when not given. */
  stallSeconds?: number;
  /** The path of a pg_dump of this machine, for servers newer than the one we carry. */
  pgDump?: string | undefined;
  /** A table that takes more on disk is cut into ranges of its pages, each of about so much; 128 MiB when not given. */
  chunkBytes?: number;
}

/**
 * Takes the backup and returns its manifest. Run again after it succeeded, or beside another run, it returns the manifest that is
 * there: the first one written. A run that fails leaves no objects behind.
 */
export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  const { store, prefix } = options;
  const earlier = await findManifest(store, prefix);
  if (earlier !== undefined) return earlier;
  const keys: string[] = [];
  try {
    const manifest = await takeBackup(options, keys);
    // Last: a manifest promises that every object in it is there.
    await store.putOnce(`${prefix}manifest.json`, manifestBytes(manifest), {
      contentType: "application/json",
    });
    return manifest;
  } catch (error) {
    // What cannot be removed now is found by its missing manifest; the failure that matters is the first one.
    await Promise.allSettled(keys.map((key) => store.remove(key)));
    const overtaken = error instanceof RehearsalError && error.code === "ObjectConflict";
    const theirs = overtaken ? await findManifest(store, prefix) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function findManifest(store: ObjectStore, prefix: string): Promise<BackupManifest | undefined> {
  try {
    return parseManifest(await store.get(`${prefix}manifest.json`));
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return undefined;
    throw error;
  }
}

/** `keys` gathers what is written, for the case that it has to be removed. */
async function takeBackup(options: BackupOptions, keys: string[]): Promise<BackupManifest> {
  const { source, application, store } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  signal.throwIfAborted();
  const holder = await openSession(source, { application });
  const release = dropOnAbort(holder, signal, application);
  try {
    await assertDirect(holder);
    const database = await readDatabase(holder);
    const settings = portableSettings(holder.major, database.encoding);
    await holder.execute(settings);
    return await holder.transaction(async () => {
      const snapshot = await exportSnapshot(holder);
      const toc = await dumpTableOfContents(source, {
        ...{ application, snapshot: snapshot.id, signal },
        throughRoots: await loadsThroughRoots(holder),
        program: options.pgDump,
      });
      try {
        await assertUndisturbed(holder);
        const archive = parseArchive(toc.archive);
        // A folder of its own for every run, so that two runs under one prefix write apart.
        const folder = `${options.prefix}${randomUUID().slice(0, 8)}/`;
        keys.push(`${folder}toc.dump`);
        const { key, size, sha256 } = await store.put(`${folder}toc.dump`, toc.archive);
        const units = await planCopies(holder, archive, toc.copies, options.chunkBytes ?? CHUNK_BYTES);
        const queue = new CopyQueue(units, options.onProgress);
        const copying = { ...options, folder, snapshot: snapshot.id, settings, signal, keys };
        const workers = Array.from({ length: Math.max(1, Math.min(options.connections, units.length)) }, () =>
          work(queue, copying),
        );
        const [baseline] = await together(stop, [readBaseline(holder), ...workers] as const);
        assertCounted(queue.copied, baseline);
        toc.assertLocked();
        return {
          format: "rehearsal-backup/1",
          server: await readServer(holder),
          database,
          snapshot,
          toc: { key, size, sha256 },
          ...listCopied(queue.copied),
          baseline,
          extensions: await readExtensions(holder),
          notCarried: await readNotCarried(holder, archive),
        } satisfies BackupManifest;
      } finally {
        toc.release();
      }
    }, "begin isolation level repeatable read, read only");
  } catch (error) {
    // An abort also breaks the connections it was aborted with; the reason it was given says more.
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    release();
    await holder.close();
  }
}

interface Copied {
  unit: CopyUnit;
  rows: number;
  /** Undefined when the COPY had no bytes. */
  object: CopiedObject | undefined;
}

/** The units not yet begun, the results, and how far it is. */
class CopyQueue {
  readonly copied: Copied[] = [];
  #units: CopyUnit[];
  #onProgress: OnProgress | undefined;
  #done = { bytes: 0, rows: 0 };
  #total: { bytes: number; rows: number };

  constructor(units: CopyUnit[], onProgress: OnProgress | undefined) {
    this.#units = [...units];
    this.#onProgress = onProgress;
    this.#total = {
      bytes: units.reduce((sum, unit) => sum + unit.bytes, 0),
      rows: units.reduce((sum, unit) => sum + unit.rows, 0),
    };
  }

  next(): CopyUnit | undefined {
    return this.#units.shift();
  }

  tell(unit: CopyUnit, amount: { bytes: number; rows: number }): void {
    this.#done.bytes += amount.bytes;
    this.#done.rows += amount.rows;
    const now = unit.table?.name ?? "large objects";
    this.#onProgress?.({ done: { ...this.#done }, total: this.#total, now });
  }
}

interface Copying extends BackupOptions {
  folder: string;
  snapshot: string;
  /** SET statements for each session. */
  settings: string;
  signal: AbortSignal;
  keys: string[];
}

/** One session that copies unit after unit under the snapshot. */
async function work(queue: CopyQueue, copying: Copying): Promise<void> {
  const { store, folder, keys, stallSeconds } = copying;
  const session = await openCopySession(copying.source, {
    ...{ application: copying.application, signal: copying.signal },
    ...(stallSeconds === undefined ? {} : { stallSeconds }),
  });
  try {
    await session.execute(copying.settings);
    // A range of pages must be read as one, whatever the planner thinks of it; and the sessions are parallel enough.
    await session.execute("set enable_seqscan = off; set max_parallel_workers_per_gather = 0");
    await session.execute(
      `begin isolation level repeatable read, read only; set transaction snapshot '${copying.snapshot}'`,
    );
    for (let unit = queue.next(); unit !== undefined; unit = queue.next()) {
      const copying = unit;
      const key = folder + unit.name;
      keys.push(key);
      const source = session.copyOut(unit.copyOut, { reuse: true });
      const written = await writeObject(store, key, source, (bytes) =>
        queue.tell(copying, { bytes, rows: 0 }),
      );
      queue.tell(unit, { bytes: 0, rows: unit.table ? source.rows : 0 });
      queue.copied.push({ unit, rows: source.rows, object: written && { ...written, rows: source.rows } });
    }
  } finally {
    await session.close();
  }
}

/** Two ways of counting the same rows under the same snapshot have to agree, over all ranges of a table. */
function assertCounted(copied: Copied[], baseline: Baseline): void {
  const sums = new Map<string, number>();
  for (const { unit, rows } of copied)
    if (unit.table?.whole) sums.set(unit.table.name, (sums.get(unit.table.name) ?? 0) + rows);
  for (const [table, rows] of sums) {
    const counted = baseline.tables[table]?.rows;
    if (counted !== undefined && counted !== rows)
      throw new RehearsalError("BackupInconsistent", { table, copied: rows, counted });
  }
}

/** In the order of the table of contents and of the pages, whatever the order of the work was. */
function listCopied(copied: Copied[]): Pick<BackupManifest, "data" | "emptyTables" | "largeObjects"> {
  const tables = copied
    .flatMap(({ unit, object }) => (unit.table ? [{ table: unit.table, name: unit.name, object }] : []))
    .sort((one, other) => one.table.tocId - other.table.tocId || (one.name < other.name ? -1 : 1));
  const data = tables.flatMap(({ table, object }) => (object ? [dataObject(table, object)] : []));
  const filled = new Set(data.map(({ tocId }) => tocId));
  const empty = tables.filter(({ table }) => !filled.has(table.tocId)).map(({ table }) => table.tocId);
  return {
    data,
    emptyTables: [...new Set(empty)],
    largeObjects: copied
      .flatMap(({ unit, object }) => (unit.table || !object ? [] : [object]))
      .sort((one, other) => (one.key < other.key ? -1 : 1)),
  };
}

function dataObject({ tocId, name, copyInto }: CopiedTable, object: CopiedObject) {
  return { tocId, table: name, copyInto, ...object };
}
