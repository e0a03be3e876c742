/** The objects that belong to production: listed with their versions before anything happens to it, and put back after. */
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Inventory } from "../core/inventory.ts";
import type { Policy } from "../core/policy.ts";
import {
  compareListings,
  type StorageArea,
  type StorageChange,
  type StorageList,
  type StoredVersion,
  storageAreas,
  storageListSchema,
} from "../core/storage.ts";
import { assertNewest } from "../io/ledger/steps.ts";
import { type ListWriter, openListWriter, readList } from "../io/object-list.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { openVersionedBucket, type VersionedBucket } from "../io/versioned-bucket.ts";
import { writeArtifact } from "./artifacts.ts";
import { requiredVariable } from "./clients.ts";
import type { StepContext } from "./step.ts";

/** Throws `StorageUnfit` and `StorageUnversioned` unless a rollback could put objects of the policy's bucket back. */
export async function assertStorage({ storage }: Policy): Promise<void> {
  if (storage === undefined) return;
  const { bucket } = storage;
  if (bucket === requiredVariable("REHEARSAL_BUCKET"))
    throw new RehearsalError("StorageUnfit", { bucket, problem: "it is the service's own" });
  await inBucket(bucket, async (opened) => {
    const versioning = await opened.versioning();
    if (versioning !== "Enabled")
      throw new RehearsalError("StorageUnversioned", { bucket, versioning: versioning.toLowerCase() });
  });
}

/** What an environment's policy and a release's inventory guard together; throws `StorageUnfit` when that is nothing. */
export function guardedAreas({ storage }: Policy, inventory: Inventory): StorageArea[] {
  const areas = storageAreas(
    storage,
    inventory.storage.map(({ prefix }) => prefix),
  );
  if (storage !== undefined && areas.length === 0)
    throw new RehearsalError("StorageUnfit", {
      bucket: storage.bucket,
      problem: "neither the policy nor inventory.yaml names a prefix",
    });
  return areas;
}

/** Lists every guarded object under a backup's prefix. Nothing is done where none are guarded. */
export async function recordStorage(
  context: StepContext,
  prefix: string,
): Promise<{ facts: { storage?: { key: string; sha256: string } }; outcome: { storage?: Counted } }> {
  const { storageAreas: guarded } = context.promotion.facts;
  if (guarded === undefined) return { facts: {}, outcome: {} };
  const areas: StorageList["areas"] = [];
  for (const [place, area] of guarded.entries()) {
    const writer = openListWriter(context.store, `${prefix}storage/${place + 1}/`);
    await inBucket(area.bucket, async (bucket) => {
      for await (const object of bucket.list(area.prefix)) await writer.add(object);
    });
    areas.push({ ...area, ...(await writer.close()) });
  }
  const list: StorageList = { format: "rehearsal-storage/1", areas };
  const storage = await writeArtifact(context.store, `${prefix}storage.json`, list);
  return { facts: { storage }, outcome: { storage: counted(areas) } };
}

/** Objects and their bytes. */
type Counted = { objects: number; bytes: number };

interface PutBackStorage {
  outcome: { storage?: { putBack: Counted; kept: Counted; lost: Counted } };
  /** Set when not everything is as it was: the rollback of the database stands all the same. */
  failure?: RehearsalError;
}

/**
 * Puts back what was overwritten or deleted since the list was made, and keeps what is new. Every part finds out from the bucket
 * what is left to do. What cannot be put back is listed and told, and the others are put back all the same.
 */
export async function putStorageBack(context: StepContext): Promise<PutBackStorage> {
  const { promotion, store, prefix } = context;
  if (promotion.facts.storage === undefined) return { outcome: {} };
  const lists: Record<What, StorageList["areas"]> = { "put-back": [], kept: [], lost: [] };
  const trouble = new Trouble();
  for (const [place, area] of (await readRecorded(context, trouble)).entries()) {
    const { bucket, prefix: under } = area;
    const writers = openWriters(context, place + 1);
    await inBucket(bucket, (opened) => putAreaBack(context, opened, area, { writers, trouble }));
    for (const what of WHAT) lists[what].push({ bucket, prefix: under, ...(await writers[what].close()) });
  }
  for (const what of WHAT) {
    const list: StorageList = { format: "rehearsal-storage/1", areas: lists[what] };
    await writeArtifact(store, `${prefix}storage-${what}.json`, list);
  }
  const failure = trouble.told(`roll-back/${context.attempt.attempt}/storage-lost.json`);
  return {
    outcome: {
      storage: {
        putBack: counted(lists["put-back"]),
        kept: counted(lists.kept),
        lost: counted(lists.lost),
      },
    },
    ...(failure && { failure }),
  };
}

/** What becomes of an object, and the name of the list in which it then stands. */
const WHAT = ["put-back", "kept", "lost"] as const;
type What = (typeof WHAT)[number];
type Writers = Record<What, ListWriter>;

function openWriters({ store, prefix }: StepContext, place: number): Writers {
  const open = (what: What) => openListWriter(store, `${prefix}storage-${what}/${place}/`);
  return { "put-back": open("put-back"), kept: open("kept"), lost: open("lost") };
}

/** Changes that are dealt with at once. */
const BATCH = 32;

async function putAreaBack(
  context: StepContext,
  bucket: VersionedBucket,
  area: StorageList["areas"][number],
  { writers, trouble }: { writers: Writers; trouble: Trouble },
): Promise<void> {
  const { ledger, attempt, store } = context;
  const changes = compareListings(
    trouble.upTo(area.prefix, readList(store, area.parts)),
    bucket.list(area.prefix),
  );
  const done = { bytes: 0, rows: 0 };
  for await (const batch of inBatches(changes)) {
    // A late attempt must not touch what the services write once a newer one has started them.
    await ledger.transaction(() => assertNewest(ledger, attempt));
    const results = await Promise.allSettled(batch.map((change) => putOneBack(context, bucket, change)));
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
      const [what, line] = result.value;
      await writers[what].add(line);
      if (what === "lost") trouble.note(`"${line.key}" in "${area.bucket}": ${line.reason}`);
      if (what === "put-back") done.bytes += line.size;
    }
    done.rows += batch.length;
    context.progress({ done: { ...done }, now: `${area.bucket}/${area.prefix}` });
  }
}

type Line = Parameters<ListWriter["add"]>[0];

async function putOneBack(
  context: StepContext,
  bucket: VersionedBucket,
  { recorded, now }: StorageChange,
): Promise<[what: What, line: Line]> {
  if (recorded === undefined) return ["kept", now];
  const result = await bucket.putBack(recorded, now);
  if (result.done === "lost") return ["lost", { ...recorded, reason: result.reason }];
  if (result.done === "equal") return ["put-back", recorded];
  context.passed("object-put-back");
  // Whoever misses what was taken away finds it under this version.
  return ["put-back", { ...recorded, ...(now && { replaced: now.versionId }) }];
}

/** What could not be put back: how many, and the first of them in words. */
class Trouble {
  #count = 0;
  #first = "";

  note(text: string): void {
    if (this.#count++ === 0) this.#first = text;
  }

  /** The recorded objects as far as they can be read; without the rest of the list the rest is left as it is. */
  async *upTo(prefix: string, recorded: AsyncIterable<StoredVersion>): AsyncGenerator<StoredVersion> {
    try {
      yield* recorded;
    } catch (error) {
      this.note(`all or the rest of "${prefix}": ${damage(error)}`);
    }
  }

  told(list: string): RehearsalError | undefined {
    if (this.#count === 0) return undefined;
    const first = this.#count > 1 ? `${this.#first}; and more` : this.#first;
    return new RehearsalError("StorageNotPutBack", { count: this.#count, first, list });
  }
}

/** The areas of the list that a rollback goes back to; none, with a word about it, when it cannot be read. */
async function readRecorded(
  { promotion, store }: StepContext,
  trouble: Trouble,
): Promise<StorageList["areas"]> {
  const { storage, storageAreas: guarded } = promotion.facts;
  if (storage === undefined) return [];
  try {
    return (await readStorageList(store, storage)).areas;
  } catch (error) {
    for (const { prefix } of guarded ?? []) trouble.note(`all of "${prefix}": ${damage(error)}`);
    return [];
  }
}

/** Reads a list's head; throws `BackupCorrupt` when its bytes are not those that were written. */
async function readStorageList(
  store: ObjectStore,
  { key, sha256: wanted }: { key: string; sha256: string },
): Promise<StorageList> {
  const bytes = await store.get(key);
  if (sha256(bytes) !== wanted)
    throw new RehearsalError("BackupCorrupt", { object: key, reason: "it is not the list that was written" });
  return storageListSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
}

/** Why a list cannot be read, now or ever; what may pass is thrown. */
function damage(error: unknown): string {
  if (error instanceof RehearsalError && (error.code === "BackupCorrupt" || error.code === "ObjectMissing"))
    return error.message;
  throw error;
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function inBucket<T>(name: string, work: (bucket: VersionedBucket) => Promise<T>): Promise<T> {
  const bucket = openVersionedBucket(name);
  try {
    return await work(bucket);
  } finally {
    bucket.close();
  }
}

function counted(areas: StorageList["areas"]): Counted {
  const sum = (field: "objects" | "bytes") => areas.reduce((all, area) => all + area[field], 0);
  return { objects: sum("objects"), bytes: sum("bytes") };
}
