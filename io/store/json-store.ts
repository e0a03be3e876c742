/** The JSON store: models as files in a folder or a bucket, with the transactions, constraints and cascades that the database had. */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { pointersTo } from "../../core/store/relations.ts";
import type { Key, Row, Rows, Store } from "../../core/store/store.ts";
import { commit, type Plan, settle, sweepChanges } from "./commit.ts";
import { type SweptContents, sweepContents } from "./content-sweep.ts";
import { type Head, headBytes, type Notes, newHead, type State } from "./head.ts";
import { JsonTransaction } from "./json-transaction.ts";
import { CACHE, HEAD, type Place } from "./place.ts";
import { Behind, type Known, StoreMemory } from "./store-memory.ts";

/** What the move and dual writers do to a model, without any constraint's work: the database has done it. */
export type Change =
  | { model: string; put: Row }
  | { model: string; delete: Key }
  /** All its rows, such as a truncate takes, or all but those whose key's text is told to stay; what stands behind it counts. */
  | { model: string; clear: true; but?: (key: string) => boolean };

export interface JsonStore<R extends Rows = Rows> extends Store<R> {
  readonly place: Place;
  readonly definition: StoreDefinition;
  /** As it is now. */
  head(): Promise<Head>;
  /**
   * Puts and deletes rows and revises the notes in one commit, exactly once, while the store is `following`; else
   * `StoreNotCanonical`. `revise` gets the notes as they are in the commit before, gives the new ones, and is asked again
   * when another commit came between; what it throws is thrown, and nothing is written.
   */
  apply(changes: readonly Change[], revise?: (notes: Notes) => Notes): Promise<void>;
  /** Changes the store's state, and its notes in the same commit; throws `StoreNotCanonical` when its state is not `from`. */
  setState(from: State, to: State, revise?: (notes: Notes) => Notes): Promise<void>;
  /** Sees to it that the files hold all that was committed, so that they can be read without the head's `last`. */
  settle(): Promise<void>;
  /** Removes files of contents that no row refers to, in a folder; reads all files for it. Throws `StorePlaceUnfit` in a bucket. */
  sweepContents(): Promise<SweptContents>;
}

export interface JsonStoreOptions {
  place: Place;
  definition: StoreDefinition;
  /**
   * `application` (and without): everything is refused with `StoreNotCanonical` unless the store is canonical. `follower`: reads
   * in any state, and writes by `apply` alone.
   */
  as?: "application" | "follower";
  /** Makes a store in that state where the place is empty; without it `StoreMissing`. */
  create?: State;
  /** Bytes of files whose rows are kept in memory; 64 MiB without. */
  cacheBytes?: number;
}

/** A transaction that met others so often has too many beside it. */
const TRIES = 40;
/** Where the place has a lock, an `apply` that met others more often than this has them wait: the more it writes, the more come between. */
const MET = 4;
/** Milliseconds between two tries, at most. */
const LONGEST_PAUSE = 250;
const CACHE_BYTES = 64 * 1024 ** 2;

/** Opens the store at a place, which is closed with it. Throws `StoreMissing`, `StorePlaceUnfit`, `StoreDefinitionDiffers`. */
export async function openJsonStore<R extends Rows = Rows>({
  place,
  definition,
  as = "application",
  create,
  cacheBytes = CACHE_BYTES,
}: JsonStoreOptions): Promise<JsonStore<R>> {
  const memory = new StoreMemory(place, definition, cacheBytes);
  const pointers = pointersTo(definition);
  const under = new Set<Promise<unknown>>();
  /** Whoever wrote in vain goes on here, one after the other. */
  let queue: Promise<unknown> = Promise.resolve();
  const inQueue = new AsyncLocalStorage<true>();
  let closed = false;

  if (create !== undefined) await createStore(place, definition, create);
  const { head } = await memory.newest();
  await sweepChanges(place, head);

  /** What one try reads and wants; null when it wants nothing. */
  type Tried<T> = { result: T; plan: Plan | null };

  const tried = async <T>(
    work: (known: Known) => Promise<Tried<T>>,
    held?: Place,
  ): Promise<{ result: T } | undefined> => {
    try {
      const { result, plan } = await work(await memory.newest());
      if (plan === null || (await commit(memory, plan, held)) === "done") return { result };
    } catch (error) {
      if (!(error instanceof Behind)) throw error;
    }
    return undefined;
  };

  const repeated = async <T>(
    work: (known: Known) => Promise<Tried<T>>,
    from: number,
    locks: boolean,
  ): Promise<T> => {
    for (let tries = from; tries <= TRIES; tries++) {
      const done =
        locks && place.appends && tries > MET
          ? await place.exclusively((held) => tried(work, held))
          : await tried(work);
      if (done !== undefined) return done.result;
      await pause(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE));
    }
    throw new RehearsalError("StoreBusy", { tries: TRIES });
  };

  /**
   * `alone`: it is ours from the beginning to the end, so it may wait for all others of this process first. `locks`: nothing of it
   * takes the place's lock, so it may be done under it.
   */
  const run = <T>(work: (known: Known) => Promise<Tried<T>>, alone: boolean, locks = false): Promise<T> => {
    if (closed) return Promise.reject(new RehearsalError("StoreClosed", {}));
    const running = (async () => {
      const first = alone ? undefined : await tried(work);
      if (first !== undefined) return first.result;
      // Inside somebody's turn nobody waits for the end of that turn.
      if (inQueue.getStore() === true) return repeated(work, alone ? 1 : 2, locks);
      const turn = queue.then(() => inQueue.run(true, () => repeated(work, alone ? 1 : 2, locks)));
      queue = turn.catch(() => undefined);
      return turn;
    })();
    under.add(running);
    return running.finally(() => under.delete(running));
  };

  const expect = ({ head }: Known, wanted: State) => {
    if (head.state !== wanted)
      throw new RehearsalError("StoreNotCanonical", { place: place.where, state: head.state, wanted });
  };

  const transaction = <T>(work: (tx: JsonTransaction) => Promise<T>, alone: boolean): Promise<T> =>
    run(async (known) => {
      if (as === "application") expect(known, "canonical");
      const tx = new JsonTransaction(memory, known, pointers);
      const [done] = await Promise.allSettled([work(tx)]);
      await tx.end();
      if (done.status === "rejected") throw done.reason;
      const { changes, models } = tx.rows.changes();
      const { notes, state } = known.head;
      if (changes.size > 0 && as === "follower") throw followed(place, known);
      const plan = { on: known, changes, models, contents: tx.contents, notes, state };
      return { result: done.value, plan: changes.size === 0 ? null : plan };
    }, alone);

  const store: JsonStore = {
    place,
    definition,
    get: (model, key) => transaction((tx) => tx.get(model, key), false),
    list: (model, by, page) => transaction((tx) => tx.list(model, by, page), false),
    count: (model) => transaction((tx) => tx.count(model), false),
    put: (model, row) => transaction((tx) => tx.put(model, row), true),
    append: (model, row) => transaction((tx) => tx.append(model, row), true),
    delete: (model, key) => transaction((tx) => tx.delete(model, key), true),
    transaction: (work) => transaction(work, false),

    head: async () => (await run(async (known) => ({ result: known, plan: null }), false)).head,

    apply: (changes, revise = same) =>
      run(
        async (known) => {
          expect(known, "following");
          const tx = new JsonTransaction(memory, known, pointers);
          await tx.apply(changes);
          const { notes, state } = known.head;
          const revised = revise(notes);
          const { changes: files, models } = tx.rows.changes();
          const plan = { on: known, changes: files, models, contents: tx.contents, notes: revised, state };
          return { result: undefined, plan: files.size === 0 && revised === notes ? null : plan };
        },
        true,
        true,
      ),

    setState: (from, to, revise = same) =>
      run(async (known) => {
        expect(known, from);
        const { models, notes } = known.head;
        const plan = { on: known, changes: new Map(), contents: new Map(), models };
        return { result: undefined, plan: { ...plan, notes: revise(notes), state: to } };
      }, true),

    settle: () =>
      run(async (known) => {
        await place.exclusively((held) => settle(memory, held, known));
        return { result: undefined, plan: null };
      }, true),

    sweepContents: () =>
      run(async (known) => ({ result: await sweepContents(memory, known), plan: null }), false),

    close: async () => {
      closed = true;
      await Promise.allSettled(under);
      await place.close();
    },
  };
  return store as unknown as JsonStore<R>;
}

/** Who follows writes by `apply` alone, also in a store that is canonical. */
function followed(place: Place, { head }: Known): RehearsalError {
  const wanted = "open as an application's";
  return new RehearsalError("StoreNotCanonical", { place: place.where, state: head.state, wanted });
}

function same(notes: Notes): Notes {
  return notes;
}

/** A place where one is already keeps it. Throws `StorePlaceUnfit` where something else is. */
async function createStore(place: Place, definition: StoreDefinition, state: State): Promise<void> {
  if ((await place.read(HEAD)) !== undefined) return;
  for await (const { path } of place.list(""))
    if (!path.startsWith(CACHE))
      throw new RehearsalError("StorePlaceUnfit", {
        place: place.where,
        reason: `it holds "${path}", and no head.json`,
      });
  // When two make it at once, one of them has.
  await place.write(HEAD, headBytes(newHead(definition, state)), undefined);
}
