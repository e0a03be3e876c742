/** Objects that rows name, beside the database: held against what the rows say, copied into a bundle, removed, and put back. */
import { createHash } from "node:crypto";
import { RehearsalError } from "../core/errors.ts";
import type { BundledMedium } from "../core/prune/bundle.ts";
import type { PrunePlan } from "../core/prune/plan.ts";
import { inParallel } from "./in-parallel.ts";
import type { ObjectHead, ObjectStore } from "./object-store.ts";
import { namedElsewhere } from "./postgres/prune/candidates.ts";
import { LIMITS, limiting, withRetries } from "./postgres/prune/retries.ts";
import type { Session } from "./postgres/session.ts";

/** Where an environment keeps its objects: rows name keys below the root. */
export interface MediaStorage {
  store: ObjectStore;
  /** Stands before every key: `prod/`, or nothing. */
  root: string;
}

interface NamedMedium {
  key: string;
  sha256: string | null;
  bytes: number | null;
}

/** How an object differs from what a row says, as the rest of a sentence; undefined where it does not. */
export async function whatDiffers(storage: MediaStorage, named: NamedMedium): Promise<string | undefined> {
  const head = await headOf(storage, named.key);
  if (head === undefined) return "is not there";
  if (named.bytes !== null && named.bytes !== head.size)
    return `has ${head.size} bytes, and its row says ${named.bytes}`;
  if (named.sha256 === null) return undefined;
  const actual = await sha256Of(storage, head);
  return actual === named.sha256 ? undefined : `has the sha256 ${actual}, and its row says ${named.sha256}`;
}

/**
 * Copies an object into a bundle under its content's name; undefined when it is not there. Throws `PruneMediaDiffers` when it is not
 * what its row says.
 */
export async function bundleMedium(
  storage: MediaStorage,
  into: ObjectStore,
  folder: string,
  named: NamedMedium & { records: readonly string[] },
): Promise<BundledMedium | undefined> {
  const head = await headOf(storage, named.key);
  if (head === undefined) return undefined;
  const sha256 = await sha256Of(storage, head);
  const differs = (problem: string) =>
    new RehearsalError("PruneMediaDiffers", { object: named.key, problem });
  if (named.bytes !== null && named.bytes !== head.size)
    throw differs(`it has ${head.size} bytes instead of ${named.bytes}`);
  if (named.sha256 !== null && named.sha256 !== sha256) throw differs(`its sha256 is ${sha256}`);
  const file = `${folder}media/${sha256}`;
  await into.putStreamOnce(file, {
    ...{ size: head.size, sha256 },
    open: () => storage.store.getStream(head.key),
  });
  const { key, records } = named;
  const { size, etag, contentType } = head;
  return { key, file, size, sha256, etag, contentType, records: [...records] };
}

/**
 * Removes the objects of pruned records: what no row names any more, and what is still what was bundled. In a versioned bucket its
 * version stays. What a row has begun to name meanwhile is put back from the bundle, by whichever attempt finds it. Safe to run
 * again; returns what is gone now, and what stays and why.
 */
export async function removeMedia(options: {
  session: Session;
  storage: MediaStorage;
  /** Where the bundle is. */
  store: ObjectStore;
  plan: PrunePlan;
  media: readonly BundledMedium[];
  /** Told the points passed: `removed`, ahead of the second look. */
  passed?: (point: string) => void | Promise<void>;
}): Promise<{ removed: BundledMedium[]; kept: { key: string; because: string }[] }> {
  const { session, storage, store, plan, media } = options;
  const look = () =>
    namedElsewhere(
      session,
      plan,
      media.map(({ key }) => key),
    );
  let named = await look();
  const kept: { key: string; because: string }[] = [];
  const removed: BundledMedium[] = [];
  await inParallel(media, async (medium) => {
    const { key, etag } = medium;
    const never = plan.never.find((prefix) => key.startsWith(prefix));
    const because =
      named.get(key) ??
      (never === undefined ? undefined : `it lies below "${never}", where nothing is deleted`);
    if (because !== undefined) kept.push({ key, because });
    else if ((await storage.store.removeIf(storage.root + key, etag)) === "other")
      kept.push({ key, because: "it was written anew since it was bundled" });
    else removed.push(medium);
  });
  if (removed.length > 0) {
    await options.passed?.("removed");
    await awaitWriters(session, plan);
    named = await look();
  }
  const missing: BundledMedium[] = [];
  for (const medium of media)
    if (named.has(medium.key) && (await headOf(storage, medium.key)) === undefined) missing.push(medium);
  await restoreMedia(storage, store, missing);
  for (const { key } of removed) {
    const because = named.get(key);
    if (because !== undefined) kept.push({ key, because });
  }
  return { removed: removed.filter(({ key }) => !named.has(key)), kept };
}

/** Until whoever writes into a table with keys of objects has ended: one table at a time, so that nobody is in nobody's way twice. */
async function awaitWriters(session: Session, { keyColumns }: PrunePlan): Promise<void> {
  for (const table of new Set(keyColumns.map((one) => one.table.quoted)))
    await withRetries(`the lock on ${table}`, LIMITS, () =>
      session.transaction(async () => {
        await session.execute(`${limiting(LIMITS)}; lock table ${table} in share mode`);
      }),
    );
}

/** Puts objects back where nothing is; throws `RestoreMediaTaken` where something else is, and `BundleDamaged`. */
export async function restoreMedia(
  storage: MediaStorage,
  from: ObjectStore,
  media: readonly BundledMedium[],
): Promise<void> {
  await inParallel(media, async ({ key, file, size, sha256, contentType }) => {
    try {
      await storage.store.putStreamOnce(
        storage.root + key,
        { size, sha256, open: () => from.getStream(file) },
        { contentType },
      );
    } catch (error) {
      throw error instanceof RehearsalError && error.code === "ObjectConflict"
        ? new RehearsalError("RestoreMediaTaken", { key }, { cause: error })
        : error;
    }
  });
}

/** Throws `BundleDamaged` unless every medium of a bundle can be read and is what was bundled. */
export async function verifyMedia(from: ObjectStore, media: readonly BundledMedium[]): Promise<void> {
  const files = new Map(media.map((medium) => [medium.file, medium]));
  await inParallel([...files.values()], async ({ file, size, sha256 }) => {
    const hash = createHash("sha256");
    let bytes = 0;
    try {
      for await (const piece of from.getStream(file)) {
        hash.update(piece);
        bytes += piece.length;
      }
    } catch (error) {
      if (error instanceof RehearsalError && error.code === "ObjectMissing")
        throw new RehearsalError("BundleDamaged", { object: file, reason: "is gone" }, { cause: error });
      throw error;
    }
    if (bytes !== size || hash.digest("hex") !== sha256)
      throw new RehearsalError("BundleDamaged", { object: file, reason: "is not what was bundled" });
  });
}

async function headOf({ store, root }: MediaStorage, key: string): Promise<ObjectHead | undefined> {
  try {
    return await store.head(root + key);
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return undefined;
    throw error;
  }
}

/** By the bucket's own checksum where it has one of the whole, else by reading. */
async function sha256Of({ store }: MediaStorage, head: ObjectHead): Promise<string> {
  if (head.sha256 !== undefined) return head.sha256;
  const hash = createHash("sha256");
  for await (const piece of store.getStream(head.key)) hash.update(piece);
  return hash.digest("hex");
}
