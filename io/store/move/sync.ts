/** A store follows its database: what the change feed tells is read where it stands, and put, each change once. */
import { canonicalJson, type Json } from "../../../core/canonical-json.ts";
import { RehearsalError } from "../../../core/errors.ts";
import type { FeedChange, FeedCursor } from "../../../core/feed.ts";
import type { StoreModel } from "../../../core/store/definition.ts";
import { keyText } from "../../../core/store/keys.ts";
import { codecsOf } from "../../../core/store/model-codecs.ts";
import { put } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import { assertFollowed, type Delta, type FeedLag, lagOf, readChanges } from "../../postgres/feed.ts";
import { PINNED } from "../../postgres/reading.ts";
import type { Session } from "../../postgres/session.ts";
import { allRows, currentRows } from "../current-rows.ts";
import { resolveDoubts } from "../doubts.ts";
import type { Notes } from "../head.ts";
import type { Change, JsonStore } from "../json-store.ts";
import { cursorOf, withCursor } from "./export-notes.ts";
import { KeyNumbers, keyHash } from "./key-numbers.ts";
import { readPartitions, repartitioned, withPartitions } from "./partitions.ts";

export interface SyncOptions {
  /** Not in a transaction. */
  session: Session;
  /** Open as `follower`. */
  store: JsonStore;
  /** The feed's table, as `public.changes`. */
  feed: string;
  /** Asked between pages; without it, on to the end. */
  mayGoOn?: () => boolean;
  /** Changes read so far in this call. */
  onProgress?: (changes: number) => void;
  /** Told of `read` and `applied`, for each page. */
  passed?: (point: string) => void;
}

export interface Synced {
  /** Changes of the feed that were read. */
  changes: number;
  /** Rows that were put and deleted; one that changed often is put once a page. */
  put: number;
  deleted: number;
  /** Rows that dual writers had left in doubt and that are as in the database again. */
  settled: number;
  /** True when the store holds what the database did at one instant; false when `mayGoOn` said no before. */
  complete: boolean;
  cursor: FeedCursor;
  /** Behind the cursor when all was done. */
  lag: FeedLag;
}

/**
 * Brings the store to what the database holds at the beginning of this call. Dying at any point, or running twice at once, loses
 * and doubles nothing: cursor and rows are one commit. Throws `StoreNotFollowed` for a store exported without a feed,
 * `StoreSyncOvertaken` when another sync came between, and what the feed throws.
 */
export async function syncOnce(options: SyncOptions): Promise<Synced> {
  const { session, store, feed } = options;
  const settled = await resolveDoubts(session, store);
  const followed = await session.transaction(async () => {
    await session.execute(PINNED);
    return follow(options);
  }, "begin isolation level repeatable read, read only");
  return { ...followed, settled, lag: await lagOf(session, feed, followed.cursor) };
}

/** Changes of a page; their rows are read and put together. */
const PAGE = 2_000;

type Followed = Omit<Synced, "settled" | "lag">;

/** Brings the store to what the session's transaction sees, which is one instant. */
export async function follow(options: SyncOptions): Promise<Followed> {
  const { session, store, feed, mayGoOn = () => true, passed = () => {} } = options;
  const { notes } = await store.head();
  let cursor = cursorOf(notes, store.place.where);
  // What became of a table since the export is not told: a partition without triggers, or one that came with rows, or went with them.
  await assertFollowed(session, feed, store.definition.models);
  const done = { changes: 0, ...(await repartition(session, store, notes, cursor)) };
  for (;;) {
    // One that a sync before has begun shows what its own instant did, and is read to its end first.
    const begun = cursor.to === undefined;
    const delta = await readChanges(session, feed, cursor, PAGE);
    passed("read");
    const applied = await apply(session, store, cursor, delta);
    passed("applied");
    done.changes += delta.changes.length;
    done.put += applied.put;
    done.deleted += applied.deleted;
    options.onProgress?.(done.changes);
    ({ cursor } = delta);
    const complete = delta.complete && begun;
    if (complete || !mayGoOn()) return { ...done, complete, cursor };
  }
}

/** Reads the whole of a model whose table has other partitions than it had. */
async function repartition(
  session: Session,
  store: JsonStore,
  notes: Notes,
  cursor: FeedCursor,
): Promise<{ put: number; deleted: number }> {
  const now = await readPartitions(session, store.definition);
  const moved = repartitioned(store.definition, notes, now);
  if (moved.length === 0) return { put: 0, deleted: 0 };
  const touched = moved.map((model) => ({ model, truncated: true, keys: [] }));
  return putTouched(session, store, touched, cursor, (last) => withPartitions(last, now));
}

/** Bytes of rows that are put in one commit; those before the last leave the cursor where it was, and are found to be put already. */
const COMMIT_BYTES = 8 * 1024 ** 2;

async function apply(
  session: Session,
  store: JsonStore,
  from: FeedCursor,
  { changes, cursor }: Delta,
): Promise<{ put: number; deleted: number }> {
  // A poll that found nothing is no commit.
  if (changes.length === 0 && from.to === undefined) return { put: 0, deleted: 0 };
  return putTouched(session, store, touchedModels(store, changes), from, (notes) =>
    withCursor(notes, cursor),
  );
}

/** Puts what was touched as it stands now; the last commit has the notes revised. Throws `StoreSyncOvertaken` when the cursor is not `from` any more. */
async function putTouched(
  session: Session,
  store: JsonStore,
  all: readonly Touched[],
  from: FeedCursor,
  revise: (notes: Notes) => Notes,
): Promise<{ put: number; deleted: number }> {
  const done = { put: 0, deleted: 0 };
  const unmoved = (notes: Notes): Notes => {
    if (!isSame(cursorOf(notes, store.place.where), from))
      throw new RehearsalError("StoreSyncOvertaken", { place: store.place.where });
    return notes;
  };
  let gathered: Change[] = [];
  let bytes = 0;
  for (const { model, truncated, keys } of all) {
    const left = new KeyNumbers({ numbers: false });
    // Of a partitioned table only a partition may have been emptied: what is left says which.
    for await (const found of truncated ? allRows(session, model) : currentRows(session, model, keys)) {
      if (bytes > 0 && bytes + found.bytes > COMMIT_BYTES) {
        await store.apply(gathered, unmoved);
        gathered = [];
        bytes = 0;
      }
      gathered.push(...found.changes);
      bytes += found.bytes;
      for (const change of found.changes) {
        if (truncated && "put" in change) left.add(keyHash(keyText(model, change.put)));
        done["put" in change ? "put" : "deleted"]++;
      }
    }
    // Last, for they may be several commits: nobody who reads in between misses a row that the table has.
    if (truncated) gathered.push({ model: model.name, clear: true, but: (key) => left.has(keyHash(key)) });
  }
  await store.apply(gathered, (notes) => revise(unmoved(notes)));
  return done;
}

function isSame(one: FeedCursor, other: FeedCursor): boolean {
  return canonicalJson(one as unknown as Json) === canonicalJson(other as unknown as Json);
}

interface Touched {
  model: StoreModel;
  truncated: boolean;
  /** Each once. */
  keys: Row[];
}

/** What the changes are about. Tables that no model has are nothing to the store. */
function touchedModels({ definition }: JsonStore, changes: readonly FeedChange[]): Touched[] {
  const touched = new Map<StoreModel, { truncated: boolean; keys: Map<string, Row> }>();
  for (const { schema, table, key } of changes) {
    const model = definition.models.find((one) => one.schema === schema && one.table === table);
    if (model === undefined) continue;
    const its = touched.get(model) ?? { truncated: false, keys: new Map<string, Row>() };
    touched.set(model, its);
    if (key === null) its.truncated = true;
    else {
      const row = keyOfTexts(model, key);
      its.keys.set(keyText(model, row), row);
    }
  }
  return [...touched].map(([model, { truncated, keys }]) => ({ model, truncated, keys: [...keys.values()] }));
}

function keyOfTexts(model: StoreModel, texts: Readonly<Record<string, string>>): Row {
  const row: Record<string, Json> = {};
  for (const { name, codec } of codecsOf(model).key) {
    const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
    if (text === undefined) throw new Error(`the feed tells no "${name}" of "${model.name}"`);
    put(row, name, codec.read(text));
  }
  return row;
}
