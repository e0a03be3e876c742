/**
 * What attempts leave that died: uploads without an end, objects without a manifest, databases of their own. It is known by its
 * name, and the ledger decides: only what belongs to a promotion or a task that has ended for good, or to an attempt that was
 * overtaken, is removed. An end is final, so what was true when the ledger was asked stays true, and sweeping beside a running
 * promotion, or twice at once, does no harm. What is found is therefore listed first, and the ledger asked after.
 */
import { RehearsalError } from "../core/errors.ts";
import {
  attemptOf,
  backupFolder,
  exporterOf,
  isAbandoned,
  isForgotten,
  type Ownership,
  ownerOfScratch,
} from "../core/leftovers.ts";
import { type Environment, listEnvironments } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { readOwners, readTasksOfBackups, recordedBackups } from "../io/ledger/owners.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { dropDatabase } from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { readCopiesAddress } from "./copies.ts";
import { sweepIntake } from "./intake.ts";
import { sweepShares } from "./shared-backup.ts";

/** What was removed. */
export interface Swept {
  /** Keys of uploads that were aborted. */
  uploads: string[];
  /** Folders of backups, of uploads for imports and of queries' results, whose objects were erased. */
  folders: string[];
  /** In those folders. */
  bytes: number;
  /** Keys of objects beside a backup's own, of workers that died. */
  strays: string[];
  databases: string[];
}

/** So many names stand in the log's event at most. */
const NAMED = 100;

/** Removes what is left over everywhere; what fails keeps the rest from nothing, and the first failure is thrown at the end. */
export async function sweep(ledger: Session, store: ObjectStore): Promise<Swept> {
  const swept: Swept = { uploads: [], folders: [], bytes: 0, strays: [], databases: [] };
  const failures: unknown[] = [];
  const attempt = (work: () => Promise<void>) => work().catch((error: unknown) => failures.push(error));
  await attempt(() => sweepUploads(ledger, store, swept));
  await attempt(() => sweepFolders(ledger, store, swept, attempt));
  await attempt(() => sweepShares(ledger, store, swept.strays, attempt));
  await attempt(async () => {
    const { folders, bytes } = await sweepIntake(ledger, store);
    swept.folders.push(...folders);
    swept.bytes += bytes;
  });
  await attempt(() => sweepResults(ledger, store, swept));
  const environments = await listEnvironments(ledger);
  for (const environment of environments)
    await attempt(() => sweepDatabases(ledger, environment, environments, swept));
  await tell(ledger, swept);
  if (failures.length > 0) throw failures[0];
  return swept;
}

async function sweepUploads(ledger: Session, store: ObjectStore, swept: Swept): Promise<void> {
  const uploads = [
    ...(await store.listUploads("backups/")),
    ...(await store.listUploads("exports/")),
    ...(await store.listUploads("queries/")),
  ];
  const backups = uploads.flatMap(({ key }) => backupFolder(key)?.backup ?? []);
  const owned = await readOwnership(ledger, backups);
  const exporters = await readOwners(
    ledger,
    uploads.flatMap(({ key }) => exporterOf(key)?.task ?? []),
  );
  const ownerOf = (key: string): Ownership | undefined => {
    const by = exporterOf(key);
    const task = exporters.get(by?.task ?? "");
    if (by === undefined || task === undefined) return owned.get(backupFolder(key)?.backup ?? "");
    return { ended: task.ended, endedAt: task.endedAt, overtaken: by.attempt < (task.newest.task ?? 0) };
  };
  const now = await readClock(ledger);
  for (const upload of uploads) {
    if (!isAbandoned(ownerOf(upload.key), upload.initiated, now)) continue;
    await store.abortUpload(upload);
    swept.uploads.push(upload.key);
  }
}

async function readClock(ledger: Session): Promise<Date> {
  const [clock] = await ledger.query<{ now: Date }>("select now() as now");
  if (clock === undefined) throw new Error("the ledger returned no row");
  return clock.now;
}

/**
 * A backup is what has a manifest; a folder without one whose owner writes no more will never be a backup. One that is whole and has no
 * record is no use either: what lies in the bucket is believed only by the hash that the ledger has of it, and nothing is built on it.
 */
async function sweepFolders(
  ledger: Session,
  store: ObjectStore,
  swept: Swept,
  attempt: (work: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const folders: string[] = [];
  for (const environment of await store.listFolders("backups/"))
    folders.push(...(await store.listFolders(environment)));
  const backups = folders.flatMap((folder) => backupFolder(folder)?.backup ?? []);
  const owned = await readOwnership(ledger, backups);
  const recorded = await recordedBackups(ledger, backups);
  const now = await readClock(ledger);
  for (const folder of folders) {
    const { backup = "" } = backupFolder(folder) ?? {};
    const owner = owned.get(backup);
    // One that is recorded is not ours to judge, though its manifest be missing: that is damage, and somebody wants to know.
    if (!owner?.ended || recorded.has(backup)) continue;
    await attempt(async () => {
      const manifest = `${folder}manifest.json`;
      const whole = await holds(store, manifest);
      if (whole && !isForgotten(owner, now)) return;
      // The manifest goes first: where Object Lock keeps it, all is kept, and what has lost it is no backup when we die here.
      const first = whole ? await eraseUnlocked(store, manifest) : 0;
      const rest = first === undefined ? undefined : await eraseUnlocked(store, folder);
      if (first === undefined || rest === undefined) return;
      swept.folders.push(folder);
      swept.bytes += first + rest;
    });
  }
}

async function holds(store: ObjectStore, key: string): Promise<boolean> {
  for await (const found of store.list(key)) if (found.key === key) return true;
  return false;
}

/** The bytes that were removed; undefined when Object Lock keeps any of it, for it goes when its date is over. */
async function eraseUnlocked(store: ObjectStore, prefix: string): Promise<number | undefined> {
  try {
    return (await store.erase(prefix)).bytes;
  } catch (error) {
    const forbidden = error instanceof RehearsalError && error.code === "ObjectForbidden";
    // Without locks it is a right that is missing.
    if (!forbidden || !(await store.hasObjectLock())) throw error;
    return undefined;
  }
}

/** Results of queries are fetched within minutes: a day's folder goes when the next day is over. */
async function sweepResults(ledger: Session, store: ObjectStore, swept: Swept): Promise<void> {
  const [clock] = await ledger.query<{ yesterday: string }>(
    "select ((now() at time zone 'UTC')::date - 1)::text as yesterday",
  );
  for (const folder of await store.listFolders("queries/")) {
    if (clock === undefined || folder >= `queries/${clock.yesterday}/`) continue;
    const { bytes } = await store.erase(folder);
    swept.folders.push(folder);
    swept.bytes += bytes;
  }
}

/** By backup, what became of whoever was to take it: ended for good, or overtaken by a newer attempt. Strangers are not in it. */
async function readOwnership(ledger: Session, backups: readonly string[]): Promise<Map<string, Ownership>> {
  const tasks = await readTasksOfBackups(ledger, backups);
  const found = backups.map((backup) => ({ backup, by: attemptOf(backup), task: tasks.get(backup) }));
  const owners = await readOwners(
    ledger,
    found.flatMap(({ by, task }) => by?.promotion ?? task ?? []),
  );
  const ownership = new Map<string, Ownership>();
  for (const { backup, by, task } of found) {
    const owner = owners.get(by?.promotion ?? task ?? "");
    if (owner === undefined) continue;
    ownership.set(backup, {
      ended: owner.ended,
      endedAt: owner.endedAt,
      overtaken: by !== undefined && by.attempt < (owner.newest[by.step] ?? 0),
    });
  }
  return ownership;
}

/** What a rollback has kept for an operator has another name, and production is left alone by whatever name it goes. */
async function sweepDatabases(
  ledger: Session,
  environment: Environment,
  all: readonly Environment[],
  swept: Swept,
): Promise<void> {
  const address = await readCopiesAddress(environment);
  const maintenance = await openSession(
    { ...address, database: environment.policy.maintenanceDatabase },
    { application: "rehearsal sweep", patienceSeconds: environment.policy.patience },
  );
  try {
    const found = await maintenance.query<{ name: string }>("select datname as name from pg_database");
    const scratch = found.flatMap(({ name }) => {
      const id = ownerOfScratch(name);
      return id === undefined ? [] : [{ name, id }];
    });
    if (scratch.length === 0) return;
    const owners = await readOwners(
      ledger,
      scratch.map(({ id }) => id),
    );
    const registered = new Set(
      await Promise.all(all.map(async (one) => (await readCopiesAddress(one)).database)),
    );
    for (const { name, id } of scratch) {
      if (!owners.get(id)?.ended || registered.has(name)) continue;
      await dropDatabase(maintenance, name);
      swept.databases.push(name);
    }
  } finally {
    await maintenance.close();
  }
}

/** Nothing is removed without a word in the log. */
async function tell(ledger: Session, { uploads, folders, bytes, strays, databases }: Swept): Promise<void> {
  if (uploads.length + folders.length + strays.length + databases.length === 0) return;
  const named = (all: string[]) => ({ count: all.length, first: all.slice(0, NAMED) });
  await ledger.transaction(() =>
    appendEvent(ledger, {
      type: "sweep.done",
      data: {
        ...{ uploads: named(uploads), folders: named(folders), bytes },
        ...(strays.length > 0 && { strays: named(strays) }),
        databases: named(databases),
      },
    }),
  );
}
