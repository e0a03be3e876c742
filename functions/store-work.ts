/** What the tasks about stores share: the environment reached as the one that it is, its store opened, and brought up. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import type { StoreDefinition } from "../core/store/definition.ts";
import type { StoreVerification } from "../core/store/verification.ts";
import { describePlace, storePrefix } from "../core/stores.ts";
import type { TaskKind } from "../core/tasks.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { StoreRow } from "../io/ledger/stores.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { openBucketPlace } from "../io/store/bucket-place.ts";
import { openFolderPlace } from "../io/store/folder-place.ts";
import type { Notes } from "../io/store/head.ts";
import { type JsonStore, openJsonStore } from "../io/store/json-store.ts";
import { exportOf } from "../io/store/move/export-notes.ts";
import { type Synced, syncOnce } from "../io/store/move/sync.ts";
import { verifyStore } from "../io/store/move/verify.ts";
import type { Place } from "../io/store/place.ts";
import { findDrift } from "./drift.ts";
import { assertMeant } from "./meant-database.ts";
import { endSessionsOfOlder } from "./older-attempts.ts";
import { refusePlace } from "./store-place.ts";
import { openEnvironment, sessionsOf, type TaskContext, type TaskEnvironment } from "./task.ts";

/** The environment of a task, which no older attempt of it is at any more, and whose database is the one that it is registered with. */
export async function reachEnvironment<K extends TaskKind>(
  context: TaskContext<K>,
  { behindFence = false } = {},
): Promise<TaskEnvironment> {
  const { task, attempt, ledger, application } = context;
  const opened = await openEnvironment(ledger, task.environment ?? "", application);
  const maintenance = await opened.openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
  } finally {
    await maintenance.close();
  }
  if (!behindFence) await assertMeant(opened.environment, opened.address, application);
  return opened;
}

/** Throws `DriftFound` for a database that has what its release does not: no model says of it, and a store would go without it. */
export async function refuseDrift<K extends TaskKind>(
  { ledger, store }: TaskContext<K>,
  environment: string,
): Promise<void> {
  const { differences, count } = await findDrift(ledger, store, environment);
  if (count === 0) return;
  const told = differences.slice(0, 5).map(({ text }) => text);
  throw new RehearsalError("DriftFound", {
    environment,
    differences: told.join("; ") + (count > 5 ? ` and ${count - 5} more` : ""),
  });
}

/** Opens it, where the environment's storage was when it was exported; whoever opens it closes it. Throws `StorePlaceUnfit`. */
export async function openStorePlace(
  environment: Pick<Environment, "name" | "policy">,
  { place, facts: { storage = environment.policy.storage } }: Pick<StoreRow, "place" | "facts">,
): Promise<Place> {
  await refusePlace(environment, place, storage);
  if ("folder" in place) return openFolderPlace(place.folder);
  if (storage === undefined) throw new Error("the door has let in a prefix without storage");
  return openBucketPlace({ bucket: storage.bucket, prefix: storePrefix(storage, place.prefix) });
}

/** The same for the ledger's own store; throws `StoreForeign` where another one lies in its place. */
export async function withStoreOf<T>(
  environment: Environment,
  row: Pick<StoreRow, "id" | "place" | "facts">,
  definition: StoreDefinition,
  work: (store: JsonStore) => Promise<T>,
): Promise<T> {
  return withStore(environment, row, definition, async (store) => {
    assertOwn(row, (await store.head()).notes);
    return work(store);
  });
}

/** Environments may share a bucket, and folders are anybody's. Throws `StoreForeign`. */
export function assertOwn({ id, place }: Pick<StoreRow, "id" | "place">, notes: Notes): void {
  const made = exportOf(notes);
  if (made?.id === id) return;
  const found =
    made === undefined
      ? "one that no export made"
      : `${made.id}${made.of ? ` of "${made.of.environment}"` : ""}`;
  throw new RehearsalError("StoreForeign", { place: describePlace(place), store: id, found });
}

/** Runs the work on the store at a place, opened as whoever follows, and closes it. */
export async function withStore<T>(
  environment: Environment,
  where: Pick<StoreRow, "place" | "facts">,
  definition: StoreDefinition,
  work: (store: JsonStore) => Promise<T>,
): Promise<T> {
  const store = await openJsonStore({
    place: await openStorePlace(environment, where),
    definition,
    as: "follower",
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The feed that a store follows; throws `StoreNotFollowed`. */
export function feedOf({ facts, place }: Pick<StoreRow, "facts" | "place">): string {
  if (facts.feed === undefined) throw new RehearsalError("StoreNotFollowed", { place: describePlace(place) });
  return facts.feed;
}

/** Brings the store to what the database holds now; `session` is opened and closed here. */
export async function bringUp<K extends TaskKind>(
  context: TaskContext<K>,
  {
    environment,
    address,
    store,
    feed,
  }: { environment: Environment; address: DatabaseAddress; store: JsonStore; feed: string },
  mayGoOn?: () => boolean,
): Promise<Synced> {
  const session = await openSession(address, {
    application: context.application,
    patienceSeconds: environment.policy.patience,
  });
  try {
    return await syncOnce({
      ...{ session, store, feed },
      ...(mayGoOn !== undefined && { mayGoOn }),
      onProgress: (changes) => context.progress({ done: { bytes: 0, rows: changes }, now: "changes" }),
      passed: context.passed,
    });
  } finally {
    await session.close();
  }
}

/** Compares the store with the database at that address. */
export async function compareStore<K extends TaskKind>(
  context: TaskContext<K>,
  { environment, address, store, feed }: Compared,
): Promise<StoreVerification> {
  const { connections, patience: patienceSeconds } = environment.policy;
  return verifyStore({
    store,
    database: {
      ...{ address, application: context.application, connections, patienceSeconds },
      ...(feed !== undefined && { feed }),
    },
    onProgress: context.progress,
  });
}

export interface Compared {
  environment: Environment;
  address: DatabaseAddress;
  store: JsonStore;
  /** Without one the store is compared as it stands. */
  feed?: string | undefined;
}

/** Models and rows of a verification. */
export function amountOf({ models }: StoreVerification): { models: number; rows: number } {
  const all = Object.values(models);
  return { models: all.length, rows: all.reduce((sum, { store }) => sum + store.rows, 0) };
}

/** Now, by the ledger's clock. */
export async function ledgerNow(ledger: Session, seconds = 0): Promise<string> {
  const [row] = await ledger.query<{ now: Date }>("select now() + make_interval(secs => $1) as now", [
    seconds,
  ]);
  if (row === undefined) throw new Error("the ledger returned no row");
  return row.now.toISOString();
}
