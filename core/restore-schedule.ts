/**
 * In which order several sessions make the entries after the data: an entry when what it depends on is made and the rows it reads are
 * there, the largest tables first, and never beside one whose locks it could meet in the other order. Follows parallel pg_restore
 * (identify_locking_dependencies and has_lock_conflicts of pg_backup_archiver.c), which relies on the same thing: an entry depends on
 * every table that it locks.
 */
import type { ArchiveEntry } from "./archive.ts";

/**
 * Hands entries out and is told when they are made, and when rows are there. While it is not over and nothing is being made or filled,
 * there is always a next one.
 */
export class RestoreSchedule {
  #tasks = new Map<number, Task>();
  /** What waits, by what it waits for: an entry, the rows of a table or of its family, or all rows. */
  #followers = new Map<number, Task[]>();
  #rows: ComingRows;
  #ready: Task[] = [];
  /** Ready as well, but only to be made while nothing else is. */
  #alone: Task[] = [];
  #running = new Set<Task>();
  #held = new HeldLocks();
  #left: number;

  /**
   * `entries` are those to be made, `all` the whole table of contents, both in its order; `weights` are sizes of tables by their entry;
   * `unfilled` the entries of the data that is still to come.
   */
  constructor(
    entries: ArchiveEntry[],
    all: ArchiveEntry[],
    weights: ReadonlyMap<number, number>,
    unfilled: ReadonlySet<number> = new Set(),
  ) {
    const relations = new Relations(all);
    this.#rows = new ComingRows(all, unfilled, relations);
    for (const [place, entry] of entries.entries()) {
      const tables = relations.among(entry.dependencies);
      const locks = locksOf(entry, tables, relations);
      const weight = locks === "alone" ? 0 : tables.reduce((sum, id) => sum + (weights.get(id) ?? 0), 0);
      // Only on what stands before it: the archive's order is one in which all can be made, so nothing waits in a circle.
      const waits = new Set(entry.dependencies.filter((id) => this.#tasks.has(id)));
      for (const id of this.#rows.before(entry, locks, tables)) waits.add(id);
      const task = { entry, place, weight, locks, waits };
      for (const id of waits) this.#followers.set(id, [...(this.#followers.get(id) ?? []), task]);
      this.#tasks.set(entry.id, task);
      if (waits.size === 0) this.#admit(task);
    }
    this.#left = entries.length;
  }

  get over(): boolean {
    return this.#left === 0;
  }

  /** What may be made now, beside all that is being made; undefined when something has to end before. */
  next(): ArchiveEntry | undefined {
    const [task] = this.#takeBeside() ?? (this.#running.size === 0 ? this.#alone.splice(0, 1) : []);
    if (task === undefined) return undefined;
    this.#running.add(task);
    this.#held.take(task.locks);
    return task.entry;
  }

  /** The entry is made: what waited for it may follow. */
  done(entry: ArchiveEntry): void {
    const task = this.#tasks.get(entry.id);
    if (task === undefined || !this.#running.delete(task)) return;
    this.#held.release(task.locks);
    this.#left--;
    this.#met(entry.id);
  }

  /** All rows of that entry of the data are there. */
  filled(id: number): void {
    for (const met of this.#rows.came(id)) this.#met(met);
  }

  #met(id: number): void {
    for (const follower of this.#followers.get(id) ?? []) {
      follower.waits.delete(id);
      if (follower.waits.size === 0) this.#admit(follower);
    }
    this.#followers.delete(id);
  }

  #takeBeside(): Task[] | undefined {
    const place = this.#ready.findIndex(({ locks }) => this.#held.allow(locks));
    return place < 0 ? undefined : this.#ready.splice(place, 1);
  }

  /** Keeps the heaviest first, then the archive's order. */
  #admit(task: Task): void {
    const queue = task.locks === "alone" ? this.#alone : this.#ready;
    let [from, to] = [0, queue.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = queue[middle];
      if (other && (other.weight - task.weight || task.place - other.place) > 0) from = middle + 1;
      else to = middle;
    }
    queue.splice(from, 0, task);
  }
}

interface Task {
  entry: ArchiveEntry;
  place: number;
  weight: number;
  locks: Locks;
  /** What has to be made or filled before. */
  waits: Set<number>;
}

/** Entries by number; a family of tables by its eldest, as a negative number. */
type Locks = "alone" | { shared: Set<number>; exclusive: Set<number> };

/** What takes long. Everything else is a matter of milliseconds and may lock whatever it likes: it is made while nothing else is. */
const LONG = new Set(["INDEX", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT"]);

/** CREATE INDEX shares its table with others of its kind; a constraint has its tables to itself, and with a parent all that descend from it. */
function locksOf({ kind, definition }: ArchiveEntry, tables: number[], relations: Relations): Locks {
  if (!LONG.has(kind) || tables.length === 0) return "alone";
  // An index may be followed by what makes it the one to cluster by or to replicate by.
  const shares = kind === "INDEX" && !/^ALTER TABLE /m.test(definition);
  const locks = { shared: new Set<number>(), exclusive: new Set(shares ? [] : tables) };
  if (shares) for (const table of tables) locks.shared.add(table);
  for (const table of tables) {
    const family = relations.familyOf(table);
    if (family === undefined) continue;
    (relations.isParent(table) && !shares ? locks.exclusive : locks.shared).add(-family);
  }
  return locks;
}

/** What is locked now, and by how many. */
class HeldLocks {
  #shared = new Map<number, number>();
  #exclusive = new Set<number>();
  #alone = false;

  allow(locks: Locks): boolean {
    if (this.#alone) return false;
    if (locks === "alone") return this.#shared.size === 0 && this.#exclusive.size === 0;
    for (const id of locks.exclusive) if (this.#exclusive.has(id) || this.#shared.has(id)) return false;
    for (const id of locks.shared) if (this.#exclusive.has(id)) return false;
    return true;
  }

  take(locks: Locks): void {
    if (locks === "alone") this.#alone = true;
    else {
      for (const id of locks.exclusive) this.#exclusive.add(id);
      for (const id of locks.shared) this.#shared.set(id, (this.#shared.get(id) ?? 0) + 1);
    }
  }

  release(locks: Locks): void {
    if (locks === "alone") this.#alone = false;
    else {
      for (const id of locks.exclusive) this.#exclusive.delete(id);
      for (const id of locks.shared) {
        const left = (this.#shared.get(id) ?? 1) - 1;
        if (left === 0) this.#shared.delete(id);
        else this.#shared.set(id, left);
      }
    }
  }
}

/** Stands for the rows of everything; no entry has this number. */
const ALL_ROWS = 0;

/** The rows that are still to come. Those of a family count as one, for what locks its parent may lock or read any of its members. */
class ComingRows {
  #relations: Relations;
  /** By entry of the data, the tables it fills, or their families. */
  #fills = new Map<number, number[]>();
  /** By table or family, how many entries of the data still fill it. */
  #left = new Map<number, number>();
  #all: number;

  constructor(all: ArchiveEntry[], unfilled: ReadonlySet<number>, relations: Relations) {
    this.#relations = relations;
    this.#all = unfilled.size;
    for (const { id, dependencies } of all) {
      if (!unfilled.has(id)) continue;
      const filled = this.#groups(relations.among(dependencies));
      this.#fills.set(id, filled);
      for (const group of filled) this.#left.set(group, (this.#left.get(group) ?? 0) + 1);
    }
  }

  /** What must be filled before the entry is made. */
  before(entry: ArchiveEntry, locks: Locks, tables: number[]): number[] {
    if (this.#all === 0) return [];
    if (locks === "alone" || !isPlain(entry)) return [ALL_ROWS];
    return this.#groups(tables).filter((group) => this.#left.has(group));
  }

  /** What is filled by the last rows of that entry of the data. */
  came(id: number): number[] {
    const full = (this.#fills.get(id) ?? []).filter((group) => {
      const left = (this.#left.get(group) ?? 0) - 1;
      this.#left.set(group, left);
      return left === 0;
    });
    this.#all--;
    return this.#all === 0 ? [...full, ALL_ROWS] : full;
  }

  #groups(tables: number[]): number[] {
    return [...new Set(tables.map((table) => this.#relations.familyOf(table) ?? table))];
  }
}

/**
 * True for what is made of its own tables' columns and nothing else. An expression or a condition may call a function that looks into
 * other tables, whatever it was declared to be, and would find them half full.
 */
function isPlain({ kind, definition }: ArchiveEntry): boolean {
  return kind === "FK CONSTRAINT" || PLAIN.test(definition.replaceAll(/"(?:[^"]|"")*"/g, "name").trim());
}

/** An index, a key or an exclusion, as pg_dump writes it: parentheses inside of its columns' would be an expression, or options of an operator class. */
const PLAIN =
  /^(?:CREATE (?:UNIQUE )?INDEX [^\s()]+ ON (?:ONLY )?[^\s()]+ USING [^\s()]+|ALTER TABLE (?:ONLY )?[^\s()]+\s+ADD CONSTRAINT [^\s()]+ (?:PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?|EXCLUDE USING [^\s()]+)) \([^()]*\)(?: INCLUDE \([^()]*\))?(?: NULLS NOT DISTINCT)?(?: WITH \([^()]*\))?(?: DEFERRABLE(?: INITIALLY DEFERRED)?)?;$/;

/** The archive's tables, and which of them are parents and children: locking a parent may lock its children. */
class Relations {
  #known = new Set<number>();
  #parents = new Set<number>();
  /** By a member's entry, another member's, nearer to the eldest. */
  #elders = new Map<number, number>();

  constructor(all: ArchiveEntry[]) {
    const tables = new Set(all.filter(({ kind }) => TABLES.has(kind)).map(({ id }) => id));
    for (const { id, kind, dependencies } of all) {
      if (tables.has(id) || kind === "MATERIALIZED VIEW") this.#known.add(id);
      // A table depends on those it inherits from or is a part of; where it does so for another reason, it is kept apart for nothing.
      if (tables.has(id)) for (const elder of dependencies) if (tables.has(elder)) this.#join(id, elder);
    }
  }

  among(dependencies: number[]): number[] {
    return [...new Set(dependencies)].filter((id) => this.#known.has(id));
  }

  isParent(table: number): boolean {
    return this.#parents.has(table);
  }

  /** Undefined for a table that has neither parents nor children. */
  familyOf(table: number): number | undefined {
    return this.#elders.has(table) || this.#parents.has(table) ? this.#eldest(table) : undefined;
  }

  #join(child: number, parent: number): void {
    if (child === parent) return;
    this.#parents.add(parent);
    const [one, other] = [this.#eldest(child), this.#eldest(parent)];
    if (one !== other) this.#elders.set(one, other);
  }

  #eldest(table: number): number {
    let eldest = table;
    for (let elder = this.#elders.get(eldest); elder !== undefined; elder = this.#elders.get(eldest))
      eldest = elder;
    return eldest;
  }
}

const TABLES = new Set(["TABLE", "FOREIGN TABLE"]);
