/** Backs up one database as it is at one instant: structure, rows, large objects and baseline under a single snapshot, the manifest last. */
import { randomUUID } from "node:crypto";
import { type Archive, parseArchive } from "../../core/archive.ts";
import {
  type BackupManifest,
  manifestBytes,
  manifestDigest,
  parseManifest,
} from "../../core/backup-manifest.ts";
import type { Baseline } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { OnProgress } from "../../core/progress.ts";
import { readWhole } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import {
  assertUndisturbed,
  exportSnapshot,
  readDatabase,
  readExtensions,
  readNotCarried,
  readServer,
  readTypesDigest,
} from "./backup-facts.ts";
import { isWhole, oldestUnseen, sameRights, usableBase } from "./base.ts";
import { findTables, readBaseline } from "./baseline.ts";
import { CHUNK_BYTES, planCopies } from "./copy-plan.ts";
import { CopyQueue, copyUnits, listCopied, PLACE, sumTables } from "./copy-units.ts";
import { dumpTableOfContents } from "./dump/index.ts";
import { assertDirect } from "./pooler.ts";
import { portableSettings } from "./portable-settings.ts";
import { loadsThroughRoots } from "./scattered.ts";
import { openSession, type Session } from "./session.ts";
import { type CopyOrders, orderCopies, type Share, SharedQueue } from "./shared-copy.ts";
import { dropOnAbort, together } from "./together.ts";

export interface BackupOptions {
  source: DatabaseAddress;
  /** Shown in pg_stat_activity. */
  application: string;
  store: ObjectStore;
  /** Of every key; ends with a slash. One prefix holds one backup: `PREFIXmanifest.json`. */
  prefix: string;
  /** Sessions that copy and hash, besides the one that holds the snapshot and the one that holds the locks. */
  connections: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** A COPY in which the server is silent for so long is given up; 120 when not given. */
  stallSeconds?: number;
  /** The path of a pg_dump of this machine, for servers newer than the one we carry. */
  pgDump?: string | undefined;
  /** A table that takes more on disk is cut into ranges of its pages, each of about so much; `CHUNK_BYTES` when not given. */
  chunkBytes?: number;
  /**
   * An earlier backup of the same database. Where rows did not change since, its objects stand in this backup too; where it cannot
   * be believed (another server, another timeline, too many transactions ago), everything is copied.
   */
  base?: BackupManifest;
  /** Has others copy as well, once it is known what there is to copy; left out, or beside a base, everything is copied here. */
  share?: { run: string; open(orders: CopyOrders): Promise<Share> } | undefined;
  /** Told as each is passed: the snapshot is exported, the copies are planned, everything is copied. */
  onPoint?: (point: "exported" | "planned" | "copied") => void;
  /** The caller has proved that the structure is the base's, and nobody can change it: its table of contents is taken as it is. */
  sameStructure?: boolean;
}

/**
 * Takes the backup and returns its manifest. Run again after it succeeded, or beside another run, it returns the manifest that is
 * there: the first one written. A run that fails leaves no objects behind.
 */
export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  const { store, prefix } = options;
  const earlier = await findManifest(store, prefix);
  if (earlier !== undefined) return earlier;
  const written: Written = { keys: [], share: undefined };
  try {
    const manifest = await takeBackup(options, written);
    // Last: a manifest promises that every object in it is there.
    await store.putOnce(`${prefix}manifest.json`, manifestBytes(manifest), {
      contentType: "application/json",
    });
    return manifest;
  } catch (error) {
    // What cannot be removed now is found by its missing manifest; the failure that matters is the first one.
    const others = await endSharing(written.share).catch(() => []);
    await Promise.allSettled([...written.keys, ...others].map((key) => store.remove(key)));
    const overtaken = error instanceof RehearsalError && error.code === "ObjectConflict";
    const theirs = overtaken ? await findManifest(store, prefix) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

/** For the case that it has to be removed. */
interface Written {
  keys: string[];
  share: Share | undefined;
}

/** What others have written for it until then; later than that they find that nobody wants it. */
async function endSharing(share: Share | undefined): Promise<string[]> {
  await share?.close();
  return (await share?.written()) ?? [];
}

async function findManifest(store: ObjectStore, prefix: string): Promise<BackupManifest | undefined> {
  try {
    return parseManifest(await store.get(`${prefix}manifest.json`));
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return undefined;
    throw error;
  }
}

async function takeBackup(options: BackupOptions, written: Written): Promise<BackupManifest> {
  const { keys } = written;
  const { source, application } = options;
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
      options.onPoint?.("exported");
      const server = await readServer(holder);
      const types = await readTypesDigest(holder);
      const believed = await usableBase(holder, options.base, { server, database, snapshot, types });
      const base = believed && (await isWhole(options.store, believed)) ? believed : undefined;
      // What is not in tables is read before the copying where a base may stand for it, and beside it where not.
      const beside = base && (await readBaseline(holder, { tables: [] }));
      const structure = await readStructure(holder, options, base, beside, snapshot.id, signal);
      try {
        await assertUndisturbed(holder);
        // A folder of its own for every run, so that two runs under one prefix write apart.
        const folder = `${options.prefix}${options.share?.run ?? randomUUID().slice(0, 8)}/`;
        const toc = structure.stored ?? (await storeArchive(structure.bytes, folder, options, keys));
        const { archive, copies } = structure;
        const units = await planCopies(holder, archive, copies, options.chunkBytes ?? CHUNK_BYTES, base);
        const hashed = new Map((await findTables(holder)).map((table) => [table.name, table]));
        const inherited = sameLargeObjects(base, beside) ? base.largeObjects : undefined;
        const work = inherited ? units.filter((unit) => unit.table !== undefined) : units;
        options.onPoint?.("planned");
        const since = base && oldestUnseen(base);
        const copying = { ...options, folder, snapshot: snapshot.id, settings, signal, keys, hashed, since };
        if (base === undefined && options.share !== undefined) {
          const [{ place } = { place: "" }] = await holder.query<{ place: string }>(PLACE);
          const orders = orderCopies(work, hashed, { place, snapshot: snapshot.id, settings });
          written.share = await options.share.open(orders);
        }
        const queue =
          written.share === undefined
            ? new CopyQueue(work, options.onProgress)
            : new SharedQueue(work, written.share, {
                ...{
                  store: options.store,
                  folder,
                  signal,
                  keys,
                  onProgress: options.onProgress,
                  leads: true,
                },
              });
        const workers = Array.from({ length: Math.max(1, Math.min(options.connections, work.length)) }, () =>
          copyUnits(queue, copying),
        );
        const copiedNames = new Set(units.flatMap(({ table }) => (table?.whole ? [table.name] : [])));
        const apart = [...hashed.keys()].filter((name) => !copiedNames.has(name));
        const [rest] = await together(stop, [
          apart.length === 0 && beside ? Promise.resolve(beside) : readBaseline(holder, { tables: apart }),
          queue instanceof SharedQueue ? queue.keepWhile(workers) : Promise.resolve(),
          ...workers,
        ] as const);
        const copied = await queue.all();
        await written.share?.close();
        options.onPoint?.("copied");
        structure.assertLocked();
        return {
          format: "rehearsal-backup/2",
          base: base === undefined ? null : manifestDigest(base),
          server,
          database,
          snapshot,
          toc,
          types,
          ...listCopied(copied, inherited),
          baseline: { ...rest, tables: { ...rest.tables, ...sumTables(copied, hashed) } },
          extensions: await readExtensions(holder),
          notCarried: await readNotCarried(holder, archive),
        } satisfies BackupManifest;
      } finally {
        structure.release();
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

/** The archive of the structure, with what reads its tables: pg_dump's own now, or the base's. */
interface Structure {
  archive: Archive;
  copies: readonly string[];
  bytes: Uint8Array;
  /** Set when it is in the store already. */
  stored: BackupManifest["toc"] | undefined;
  release(): void;
  assertLocked(): void;
}

async function readStructure(
  holder: Session,
  options: BackupOptions,
  base: BackupManifest | undefined,
  beside: Baseline | undefined,
  snapshot: string,
  signal: AbortSignal,
): Promise<Structure> {
  // An archive names each large object: with others it is another one.
  if (options.sameStructure && base !== undefined && sameLargeObjects(base, beside)) {
    const bytes = await readWhole(options.store, base.toc);
    const archive = parseArchive(bytes);
    const statements = new Map(base.tables.map(({ tocId, copyOut }) => [tocId, copyOut]));
    const nothing = () => undefined;
    if (await sameRights(holder, base, archive))
      return {
        ...{ archive, bytes, stored: base.toc, release: nothing, assertLocked: nothing },
        copies: archive.entries
          .filter(({ kind }) => kind === "TABLE DATA")
          .map(({ id }) => statements.get(id) ?? ""),
      };
  }
  const { source, application } = options;
  const toc = await dumpTableOfContents(source, {
    ...{ application, snapshot, signal },
    throughRoots: await loadsThroughRoots(holder),
    program: options.pgDump,
  });
  try {
    return {
      ...{ archive: parseArchive(toc.archive), copies: toc.copies, bytes: toc.archive, stored: undefined },
      release: () => toc.release(),
      assertLocked: () => toc.assertLocked(),
    };
  } catch (error) {
    toc.release();
    throw error;
  }
}

async function storeArchive(bytes: Uint8Array, folder: string, { store }: BackupOptions, keys: string[]) {
  keys.push(`${folder}toc.dump`);
  const { key, size, sha256 } = await store.put(`${folder}toc.dump`, bytes);
  return { key, size, sha256 };
}

function sameLargeObjects(
  base: BackupManifest | undefined,
  now: Baseline | undefined,
): base is BackupManifest {
  const [one, other] = [base?.baseline.largeObjects, now?.largeObjects];
  return one !== undefined && one.count === other?.count && one.checksum === other.checksum;
}
