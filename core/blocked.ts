/** For how long a release keeps other people's statements waiting: worked out from what probes waited and which locks were held. */
import { LOCK_MODES, type LockMode } from "./lock-modes.ts";
import type { RunMeasure } from "./report.ts";

/** What waits: who reads a table, who writes to it, or only who writes a row that the release has changed. */
export type Traffic = "reads" | "writes" | "rows";

export interface StatementPlace {
  path: string;
  line: number;
  summary: string;
}

export interface Blocked {
  /** Quoted qualified name. */
  relation: string;
  traffic: Traffic;
  /** The longest that one statement waits: until COMMIT, or outside a transaction until the statement's end. */
  milliseconds: number;
  /** The statement that took the lock. */
  statement: StatementPlace;
  /** The lock's mode, by pg_locks' name. */
  mode: string;
  /** `probe`: somebody waited so long. `clock`: no probe met it, and the lock was held no longer than that. */
  by: "probe" | "clock";
}

/** When a run and its statements ran, in milliseconds of one clock. */
export interface RunTimes {
  transactional: boolean;
  began: number;
  /** COMMIT, or outside a transaction the end of the last statement. */
  ended: number;
  statements: (StatementPlace & { began: number; ended: number })[];
}

/** What a probe waited, by the same clock. */
export interface Wait {
  relation: string;
  traffic: "reads" | "writes";
  began: number;
  ended: number;
  /** The mode in which the run was seen to hold what the probe waited for. */
  mode?: string;
}

export interface Probing {
  waits: readonly Wait[];
  /** `reads "public"."videos"`: what a probe has watched to the end. */
  watched: ReadonlySet<string>;
  /** What can be read or written by its own name; a lock on anything else keeps nobody waiting by itself. */
  tables: ReadonlySet<string>;
}

/** True when a statement of that kind waits for a lock of that mode: the table of conflicts in Postgres' documentation. */
export function waitsFor(traffic: "reads" | "writes", mode: string): boolean {
  if (traffic === "reads") return mode === "AccessExclusiveLock";
  return LOCK_MODES.indexOf(mode as LockMode) >= LOCK_MODES.indexOf("ShareLock");
}

/** The longest wait by table and kind of traffic, the longest first. */
export function blockedTraffic(
  times: readonly RunTimes[],
  measures: readonly Pick<RunMeasure, "items" | "changed">[],
  probing: Probing,
): Blocked[] {
  const longest = new Map<string, Blocked>();
  for (const [index, run] of times.entries()) {
    const measure = measures[index];
    if (measure === undefined) continue;
    for (const blocked of blockedByRun(run, measure, probing)) {
      const key = watchedAs(blocked);
      if ((longest.get(key)?.milliseconds ?? 0) < blocked.milliseconds) longest.set(key, blocked);
    }
  }
  return [...longest.values()].filter(isMore(longest)).sort((a, b) => b.milliseconds - a.milliseconds);
}

/** The key of a table and a kind of traffic in `Probing.watched`. */
export function watchedAs({ relation, traffic }: { relation: string; traffic: Traffic }): string {
  return `${traffic} ${relation}`;
}

/** Whoever writes a changed row waits for the table as well: rows are told of only where they are kept longer. */
const isMore =
  (longest: ReadonlyMap<string, Blocked>) =>
  ({ relation, traffic, milliseconds }: Blocked) =>
    traffic !== "rows" ||
    (longest.get(watchedAs({ relation, traffic: "writes" }))?.milliseconds ?? 0) < milliseconds;

/** A lock that a statement newly took, and until when it was held. */
interface Held {
  relation: string;
  mode: string;
  statement: StatementPlace;
  began: number;
  until: number;
}

function blockedByRun(
  run: RunTimes,
  measure: Pick<RunMeasure, "items" | "changed">,
  { waits, watched, tables }: Probing,
): Blocked[] {
  const held = locksHeld(run, measure).filter(({ relation }) => tables.has(relation));
  const met = waits
    .filter((wait) => wait.began < run.ended && wait.ended > run.began)
    .flatMap((wait) => explain(wait, run, held));
  const known = new Set(met.map(watchedAs));
  const unmet = held.flatMap((lock) =>
    (["reads", "writes"] as const)
      .filter((traffic) => waitsFor(traffic, lock.mode))
      // In a transaction a lock stays to the end, so a probe that missed it missed little; outside of one the statement may
      // have held it for a moment only, and a probe that was there knows better than the clock.
      .filter((traffic) => run.transactional || !watched.has(watchedAs({ ...lock, traffic })))
      .map((traffic) => byClock(lock, traffic))
      .filter((blocked) => !known.has(watchedAs(blocked))),
  );
  return [...met, ...unmet, ...changedRows(run, measure, held)];
}

function locksHeld(run: RunTimes, measure: Pick<RunMeasure, "items">): Held[] {
  const measured = measure.items.flatMap((item) => item.statements);
  return measured.flatMap(({ locks }, index) => {
    const times = run.statements[index];
    if (times === undefined) return [];
    const { path, line, summary, began, ended } = times;
    const until = run.transactional ? run.ended : ended;
    return locks.map((lock) => ({ ...lock, statement: { path, line, summary }, began, until }));
  });
}

/** The first lock that explains a wait; else what the server said of it. A wait that nothing explains was a busy machine's. */
function explain(wait: Wait, run: RunTimes, held: readonly Held[]): Blocked[] {
  const { relation, traffic } = wait;
  const milliseconds = wait.ended - wait.began;
  const lock = held.find(
    (one) =>
      one.relation === relation &&
      waitsFor(traffic, one.mode) &&
      one.began < wait.ended &&
      one.until > wait.began,
  );
  if (lock !== undefined)
    return [{ relation, traffic, milliseconds, statement: lock.statement, mode: lock.mode, by: "probe" }];
  const running = run.statements.find((one) => one.began < wait.ended && one.ended > wait.began);
  if (wait.mode === undefined || running === undefined) return [];
  const { path, line, summary } = running;
  return [
    { relation, traffic, milliseconds, statement: { path, line, summary }, mode: wait.mode, by: "probe" },
  ];
}

function byClock({ relation, mode, statement, began, until }: Held, traffic: Traffic): Blocked {
  return { relation, traffic, milliseconds: until - began, statement, mode, by: "clock" };
}

/** A row that a transaction has changed belongs to it until COMMIT. */
function changedRows(
  run: RunTimes,
  { changed }: Pick<RunMeasure, "changed">,
  held: readonly Held[],
): Blocked[] {
  if (!run.transactional) return [];
  return Object.entries(changed)
    .filter(([, { updated, deleted }]) => updated + deleted > 0)
    .flatMap(([relation]) => {
      const lock = held.find((one) => one.relation === relation && one.mode === "RowExclusiveLock");
      return lock === undefined ? [] : [byClock(lock, "rows")];
    });
}
