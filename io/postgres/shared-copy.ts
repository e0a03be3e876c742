/**
 * A backup that several functions copy: one leads, which has exported the snapshot, and others join it under the same snapshot.
 * Whoever is free takes a unit, copies it by the same code into a folder of its own, and records it; of two that copied the same
 * unit the first to record it counts, and the other removes what it wrote.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { OnProgress } from "../../core/progress.ts";
import type { ObjectStore } from "../object-store.ts";
import type { HashedTable } from "./baseline.ts";
import { type CopiedTable, type CopyUnit, copyRange, type PageRange } from "./copy-plan.ts";
import { type Copied, type CopiedUnit, CopyQueue, copyUnits } from "./copy-units.ts";
import { together } from "./together.ts";

/** What a function has to know to copy any of the units, as JSON; a table stands there once, however many units it has. */
export interface CopyOrders {
  /** Which server and database exported the snapshot. */
  place: string;
  snapshot: string;
  settings: string;
  tables: { table: Omit<CopiedTable, "heap">; hashed: HashedTable | null }[];
  units: (Pick<CopyUnit, "name" | "bytes" | "rows"> & {
    /** A place in `tables`; null for large objects. */
    table: number | null;
    range: PageRange | null;
    /** Null where the range says it, or the table does. */
    copyOut: string | null;
  })[];
}

/** A unit's place; or that others have what is left, that nothing is left, or that the sharing has ended before that. */
export type Taken = number | "others" | "all-copied" | "over";

/** Where those who share a backup agree on who copies what. A unit is known by its place in the orders. */
export interface Share {
  /** Lends a unit of at most so many bytes, to each run each unit only once. It has to be told again and again that somebody is at it. */
  take(mostBytes: number): Promise<Taken>;
  /** False when another one has recorded it before, or the sharing has ended. */
  record(unit: number, copied: Copied): Promise<boolean>;
  /** Tells that the run lives and is at these units; answers how it stands, and what others have copied. */
  beat(units: readonly number[]): Promise<Standing>;
  /** Nobody is at these units any more. */
  giveBack(units: readonly number[]): Promise<void>;
  /** What came of all units, in their order; throws `AttemptStale` when the sharing ended before. */
  results(): Promise<Copied[]>;
  /** From now on nothing is taken or recorded. */
  close(): Promise<void>;
  /** Keys of the objects that others have recorded. */
  written(): Promise<string[]>;
}

interface Standing {
  /** The sharing has not ended. */
  current: boolean;
  /** Who leads it was heard of. */
  alive: boolean;
  others: { bytes: number; rows: number };
}

export function orderCopies(
  units: readonly CopyUnit[],
  hashed: ReadonlyMap<string, HashedTable>,
  origin: Pick<CopyOrders, "place" | "snapshot" | "settings">,
): CopyOrders {
  const tables = new Map<CopiedTable, number>();
  for (const { table } of units) if (table && !tables.has(table)) tables.set(table, tables.size);
  return {
    ...origin,
    tables: [...tables.keys()].map(({ heap: _, ...table }) => ({
      table,
      hashed: hashed.get(table.name) ?? null,
    })),
    units: units.map(({ name, bytes, rows, table, range, copyOut }) => ({
      ...{ name, bytes, rows, range: range ?? null },
      table: table === undefined ? null : (tables.get(table) ?? null),
      copyOut: table === undefined ? copyOut : null,
    })),
  };
}

/** The units as they were planned, but for what only a manifest needs. */
function unitsOf({ tables, units }: CopyOrders): CopyUnit[] {
  const known = tables.map(({ table }): CopiedTable => ({ ...table, heap: null }));
  const cut = new Map<number | null, number>();
  for (const { table } of units) cut.set(table, (cut.get(table) ?? 0) + 1);
  return units.map(({ table: place, range, copyOut, ...unit }) => {
    const table = place === null ? undefined : known[place];
    const whole = range === null || cut.get(place) === 1;
    return {
      ...unit,
      table,
      range: range ?? undefined,
      earlier: undefined,
      copyOut: copyOut ?? (whole ? (table?.copyOut ?? "") : copyRange(table?.copyOut ?? "", range.condition)),
    };
  });
}

/** How often a run says that it lives, and asks whether it is still wanted. */
const BEAT_MILLISECONDS = 1_000;
/** How often who leads asks whether others have done, or left, what they are at. */
const WAIT_MILLISECONDS = 200;
/** What a run that is not the leader's may take for a unit before others are let at it too: so long, and a second for each megabyte. */
const PATIENCE_MILLISECONDS = 60_000;
const SLOW_BYTES_PER_SECOND = 1_000_000;

interface SharedOptions {
  store: ObjectStore;
  folder: string;
  signal: AbortSignal;
  /** Gathers what is written; what does not count is removed, and taken out. */
  keys: string[];
  onProgress?: OnProgress | undefined;
  /** Has exported the snapshot, and waits for what others are at. */
  leads?: true;
  /** How large a unit may be to be taken now. */
  mostBytes?: () => number;
  onPoint?: ((point: "taken" | "copied" | "counted") => void) | undefined;
}

/** The units of which others copy some. */
export class SharedQueue extends CopyQueue {
  #units: readonly CopyUnit[];
  #places: Map<CopyUnit, number>;
  #share: Share;
  #options: SharedOptions;
  /** What it is at, and since when. */
  #at = new Map<number, number>();
  /** What came of the last asking. */
  last: Taken = "others";

  constructor(units: CopyUnit[], share: Share, options: SharedOptions) {
    super(units, options.onProgress);
    this.#units = units;
    this.#places = new Map(units.map((unit, place) => [unit, place]));
    this.#share = share;
    this.#options = options;
  }

  override async next(): Promise<CopyUnit | undefined> {
    const { signal, leads, mostBytes, onPoint } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      this.last = await this.#share.take(mostBytes?.() ?? Number.POSITIVE_INFINITY);
      if (typeof this.last === "number") {
        this.#at.set(this.last, performance.now());
        onPoint?.("taken");
        return this.#units[this.last];
      }
      if (this.last !== "others" || !leads) return undefined;
      await pause(WAIT_MILLISECONDS, undefined, { signal });
    }
  }

  override async record(unit: CopyUnit, copied: Copied): Promise<void> {
    const { store, folder, keys, onPoint } = this.#options;
    const place = this.#placeOf(unit);
    onPoint?.("copied");
    const counts = await this.#share.record(place, copied);
    this.#at.delete(place);
    const { object } = copied;
    if (counts) onPoint?.("counted");
    else this.tell(unit, { bytes: -(object?.rawBytes ?? 0), rows: -copied.rows });
    if (counts && object !== null) return;
    if (object !== null) await store.remove(object.key);
    keys.splice(keys.indexOf(folder + unit.name), 1);
  }

  override async all(): Promise<CopiedUnit[]> {
    const results = await this.#share.results();
    return this.#units.map((unit, place) => {
      const copied = results[place];
      if (copied === undefined) throw new Error(`${unit.name} has no row in the ledger`);
      return { unit, ...copied };
    });
  }

  /** Says that it lives for as long as the sessions do; ends with them. Throws `SharingOver` in a worker that is not wanted any more. */
  async keepWhile(sessions: readonly Promise<unknown>[]): Promise<void> {
    const over = new AbortController();
    void Promise.allSettled(sessions).then(() => over.abort());
    const { leads } = this.#options;
    while (!over.signal.aborted) {
      const { current, alive, others } = await this.#share.beat(this.#held());
      if (!leads && !(current && alive)) throw new SharingOver();
      this.tellOthers(others);
      await pause(BEAT_MILLISECONDS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }

  /** Lets others at what it has begun. */
  async giveBack(): Promise<void> {
    if (this.#at.size > 0) await this.#share.giveBack([...this.#at.keys()]);
  }

  /** What it is at, but for what it has been at for too long. */
  #held(): number[] {
    const now = performance.now();
    const patience = (place: number) =>
      PATIENCE_MILLISECONDS + ((this.#units[place]?.bytes ?? 0) / SLOW_BYTES_PER_SECOND) * 1_000;
    return [...this.#at].flatMap(([place, since]) =>
      this.#options.leads || now - since < patience(place) ? [place] : [],
    );
  }

  #placeOf(unit: CopyUnit): number {
    const place = this.#places.get(unit);
    if (place === undefined) throw new Error(`${unit.name} is not of this backup`);
    return place;
  }
}

/** Not an error of anybody: the backup is taken, or its leader is dead or overtaken. */
class SharingOver extends Error {}

/** The time is up; what was begun is another's to copy. */
class OutOfTime extends Error {}

export interface JoinOptions {
  source: DatabaseAddress;
  application: string;
  store: ObjectStore;
  /** Of its own, below the backup's prefix; ends with a slash. */
  folder: string;
  connections: number;
  /** How large a unit may be to be taken now. */
  mostBytes: () => number;
  /** Milliseconds after which whatever is under way is left. */
  milliseconds: number;
  onPoint?: SharedOptions["onPoint"];
}

/**
 * Copies units of another's backup until none is left to take, the time is up, or nobody wants them: then `over`, or how the last
 * asking was answered. Whatever it leaves or throws, no object stays that does not count.
 */
export async function joinCopying(
  orders: CopyOrders,
  share: Share,
  { source, application, store, folder, connections, mostBytes, milliseconds, onPoint }: JoinOptions,
): Promise<Exclude<Taken, number> | "out-of-time"> {
  const stop = new AbortController();
  const { signal } = stop;
  const keys: string[] = [];
  const units = unitsOf(orders);
  const recorded = new Set<string>();
  const queue = new SharedQueue(units, notingRecorded(share, recorded), {
    ...{ store, folder, signal, keys, mostBytes, onPoint },
  });
  const hashed = new Map(orders.tables.flatMap(({ hashed }) => (hashed ? [[hashed.name, hashed]] : [])));
  const { snapshot, settings, place } = orders;
  const copying = {
    ...{ source, application, store, folder, signal, keys, hashed, snapshot, settings, place },
    since: undefined,
  };
  const clock = setTimeout(() => stop.abort(new OutOfTime()), Math.min(milliseconds, 2 ** 31 - 1));
  const leave = async () => {
    clearTimeout(clock);
    // First, for others wait for them; what fails here is given back by its own date.
    await queue.giveBack().catch((error: unknown) => {
      if (!(error instanceof RehearsalError)) throw error;
    });
    for (const key of keys) if (!recorded.has(key)) await store.remove(key);
  };
  try {
    const sessions = Array.from({ length: Math.max(1, Math.min(connections, units.length)) }, () =>
      copyUnits(queue, copying),
    );
    await together(stop, [queue.keepWhile(sessions), ...sessions]);
  } catch (error) {
    await leave();
    if (error instanceof SharingOver) return "over";
    if (error instanceof OutOfTime) return "out-of-time";
    throw error;
  }
  await leave();
  return typeof queue.last === "number" ? "others" : queue.last;
}

/** The same share, which notes the objects that count. */
function notingRecorded(share: Share, recorded: Set<string>): Share {
  return {
    ...share,
    record: async (unit, copied) => {
      // Before it is known: an answer that is lost must not have the object removed that the leader may count on.
      if (copied.object !== null) recorded.add(copied.object.key);
      const counts = await share.record(unit, copied);
      if (!counts && copied.object !== null) recorded.delete(copied.object.key);
      return counts;
    },
  };
}
