/**
 * Restores a backup into an existing empty database, entry by entry as pg_restore does, rows, indexes and constraints in parallel, every
 * object verified; or goes on with a restore of that backup that stopped amid its rows or behind them.
 */
import { type Archive, parseArchive } from "../../core/archive.ts";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import type { Writers } from "../../core/changed-tables.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteLiteral } from "../../core/names.ts";
import type { OnProgress } from "../../core/progress.ts";
import { planRestore } from "../../core/restore-plan.ts";
import { RestoreSchedule } from "../../core/restore-schedule.ts";
import { readWhole } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import { analyzeAll } from "./analyze.ts";
import { type CopySession, openCopySession } from "./copy.ts";
import { EntryMaker } from "./entry-maker.ts";
import { LoadQueue, planLoads } from "./load-queue.ts";
import { portableSettings } from "./portable-settings.ts";
import { type OnKept, RestoreRecord } from "./restore-record.ts";
import { assertFit, findTablespaces } from "./restore-target.ts";
import { type RestoreWorker, workAll } from "./restore-workers.ts";
import { openSession, type Session } from "./session.ts";
import { dropOnAbort, together } from "./together.ts";

export interface RestoreOptions {
  target: DatabaseAddress;
  /** Shown in pg_stat_activity. */
  application: string;
  store: ObjectStore;
  manifest: BackupManifest;
  /** By the name of a tablespace in the backup, the one to take its place; where nothing is said it keeps its name, or else the database's own takes its place. */
  tablespaces?: Readonly<Record<string, string>>;
  /** Sessions that load rows and make indexes and constraints, besides the one that makes everything else. */
  connections: number;
  onProgress?: OnProgress;
  onKept?: OnKept;
  /** Called when nothing is missing but the event triggers, and that the record of what is done goes. */
  onFilled?: (restored: Restored) => Promise<void>;
  signal?: AbortSignal;
  /** A COPY in which the server is silent for so long is given up; 120 when not given. */
  stallSeconds?: number;
}

export interface Restored {
  writers: Writers;
  /** The backup's tablespaces that nothing took the place of: what lay in them lies in the database's own. */
  withoutTablespace: string[];
}

/**
 * Fills the target. When it fails the target is half-made: called again for it, with no other at work in it any more, it does what is
 * missing where `RestoreRecord.find` finds what was done, and else refuses it as not empty. Properties of the database itself are not
 * touched.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { target, application, store, manifest } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  signal.throwIfAborted();
  const archive = parseArchive(await readWhole(store, manifest.toc));
  const loads = planLoads(archive, manifest);
  const sessions = new RestoreSessions(target, application, signal);
  try {
    const session = await sessions.open();
    const begun = await RestoreRecord.find(session, manifest, options.onKept);
    await assertFit(session, manifest, begun !== undefined);
    const tablespaces = await findTablespaces(session, manifest, options.tablespaces);
    const settings = `${portableSettings(session.major, manifest.database.encoding)}${await fasterToast(session)}`;
    const plan = planRestore(archive);
    await session.execute(`${settings}; ${UNHURRIED}`);
    const maker = await EntryMaker.open(session, archive, manifest, tablespaces);
    await maker.makeAll(plan.settings);
    if (begun === undefined) {
      await dropInitial(session, manifest);
      await maker.makeAll(plan.before);
    }
    const record = begun ?? (await RestoreRecord.begin(session, manifest, options.onKept));
    maker.keep(record);
    const queue = new LoadQueue(loads, manifest, record.writers, options.onProgress);
    const after = plan.after.filter(({ id }) => !record.hasEntry(id));
    const schedule = new RestoreSchedule(
      after,
      archive.entries,
      tableBytes(archive, manifest),
      queue.unfilled,
    );
    const workers: RestoreWorker[] = [];
    while (workers.length < Math.max(1, Math.min(options.connections, Math.max(queue.left, after.length)))) {
      const another = await sessions.openCopying(options.stallSeconds);
      await another.execute(`${settings}; ${UNHURRIED}`);
      const beside = maker.beside(another);
      // They are each session's own, and made again every time.
      await beside.makeAll(plan.settings);
      beside.keep(record);
      workers.push({ session: another, maker: beside });
    }
    const objectsMade = maker.makeAll(plan.beside);
    const sequencesSet = objectsMade.then(() => restoreSequences(session, manifest));
    const work = { store, queue, schedule, record, objectsMade, signal };
    await together(stop, [objectsMade, sequencesSet, ...workAll(workers, work)]);
    await maker.makeAll(plan.rights);
    await maker.makeAll(plan.refreshes);
    const analysts = workers.map((worker) => worker.session);
    await analyzeAll(session, analysts, stop);
    const restored = {
      writers: queue.writers,
      withoutTablespace: manifest.notCarried.tablespaces.filter((name) => !tablespaces.has(name)),
    };
    // Before anybody is told of it: the next commit flushes all that any session committed before.
    await session.execute("set synchronous_commit = on");
    await record.noteFilled(session);
    await options.onFilled?.(restored);
    maker.keep(undefined);
    await session.transaction(async () => {
      // First, for event triggers may have something against it.
      await record.end(session);
      await maker.makeAll(plan.eventTriggers);
    });
    return restored;
  } catch (error) {
    // An abort also breaks the connections it was aborted with; the reason it was given says more.
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await sessions.close();
  }
}

/** Many small commits need not wait for the disk one by one, and what a function speaks of may come later than the function. */
const UNHURRIED = "set synchronous_commit = off; set check_function_bodies = off";

/**
 * Values that are compressed in their row are most of what loading long texts costs, and lz4 takes a fraction of what pglz does. A
 * column that names its compression keeps it; a server that was told another default keeps that, and so does one built without lz4.
 */
async function fasterToast(session: Session): Promise<string> {
  const [usual] = await session.query(
    `select from pg_settings where name = 'default_toast_compression' and source = 'default' and 'lz4' = any(enumvals)`,
  );
  return usual === undefined ? "" : "; set default_toast_compression = lz4";
}

/** The sessions that work in the target; an abort drops them all. */
class RestoreSessions {
  #opened: { session: Session | CopySession; release: () => void }[] = [];
  #target: DatabaseAddress;
  #application: string;
  #signal: AbortSignal;

  constructor(target: DatabaseAddress, application: string, signal: AbortSignal) {
    this.#target = target;
    this.#application = application;
    this.#signal = signal;
  }

  async open(): Promise<Session> {
    return this.#keep(await openSession(this.#target, { application: this.#application }));
  }

  async openCopying(stallSeconds: number | undefined): Promise<CopySession> {
    const more = stallSeconds === undefined ? {} : { stallSeconds };
    return this.#keep(
      await openCopySession(this.#target, {
        ...{ application: this.#application, signal: this.#signal, ...more },
      }),
    );
  }

  #keep<T extends Session | CopySession>(session: T): T {
    this.#opened.push({ session, release: dropOnAbort(session, this.#signal, this.#application) });
    return session;
  }

  async close(): Promise<void> {
    for (const { release } of this.#opened) release();
    await Promise.all(this.#opened.map(({ session }) => session.close()));
  }
}

/** How much each table holds, by its entry: what is built on the largest takes longest. */
function tableBytes(archive: Archive, { data }: BackupManifest): Map<number, number> {
  const entries = new Map(archive.entries.map((entry) => [entry.id, entry]));
  const bytes = new Map<number, number>();
  for (const { tocId, rawBytes } of data)
    for (const table of entries.get(tocId)?.dependencies ?? [])
      bytes.set(table, (bytes.get(table) ?? 0) + rawBytes);
  return bytes;
}

/** initdb makes these, and an archive does not say when the source has dropped them. */
async function dropInitial(session: Session, manifest: BackupManifest): Promise<void> {
  if (!manifest.database.hasPublicSchema) await session.execute("drop schema if exists public");
  if (!manifest.extensions.some(({ name }) => name === "plpgsql"))
    await session.execute("drop extension if exists plpgsql");
}

/**
 * Sequences are not under the snapshot: pg_dump and the baseline read them at different moments. Both are later than any value
 * in the data; the baseline's is what the copy will be compared with.
 */
async function restoreSequences(session: Session, { baseline }: BackupManifest): Promise<void> {
  const states = Object.entries(baseline.sequences).map(
    ([name, { last, called }]) =>
      `pg_catalog.setval(${quoteLiteral(name)}::pg_catalog.regclass, ${BigInt(last)}, ${called})`,
  );
  for (let from = 0; from < states.length; from += 500)
    await session.execute(`select ${states.slice(from, from + 500).join(", ")}`);
}
