/**
 * A statement in slices of a key. Each slice is one transaction of its own: the fencing token, the rows, and how far it
 * is, so that a death at any point leaves no row changed twice and none left out.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type BatchSettings, sliceSql } from "../../core/batch.ts";
import { leastSize, restAfter, sizeAfter, smaller } from "../../core/batch-pace.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Statement } from "../../core/migration.ts";
import type { Policy } from "../../core/policy.ts";
import type { RunItem } from "../../core/runs.ts";
import {
  type BatchKey,
  countWritten,
  estimateRows,
  largestKey,
  nextSlice,
  readBatchKey,
  sliceCondition,
} from "./batch-key.ts";
import { type BatchRecord, ensureBatches, readBatch, writeBatch } from "./batch-record.ts";
import { asFileError, FileError } from "./file-error.ts";
import { pinForFiles, settle } from "./file-settings.ts";
import { assertRecordKept, markRecord } from "./record-guard.ts";
import type { Session } from "./session.ts";
import { standbyLag } from "./standby-lag.ts";
import { transactionOf } from "./target-schema.ts";

/** One slice that was committed. */
export interface Slice {
  /** Rows asked for, gone over, and changed. */
  size: number;
  visited: number;
  rows: number;
  milliseconds: number;
  /** Sessions that waited for its locks when it ended. */
  waiting: number;
  /** Milliseconds that are rested after it. */
  rest: number;
}

export interface BatchOptions {
  session: Session;
  attempt: { promotion: string; step: string; attempt: number; token: number };
  policy: Pick<Policy, "lockTimeout" | "lockRetries" | "statementTimeout" | "searchPath">;
  item: RunItem;
  statement: Statement;
  batch: BatchSettings;
  /** Asked after each slice and while it rests; false ends it at its cursor. */
  mayGoOn?: (() => Promise<boolean>) | undefined;
  /** Told each slice when it is committed, and how far the whole is. */
  onSlice?: ((slice: Slice, record: BatchRecord) => void) | undefined;
  /** True on a copy, where nobody is spared: neither rate nor pause nor lag hold it up. */
  unpaced?: boolean | undefined;
  /** True for a second run that proves idempotence: its cursor is nowhere but here. */
  unrecorded?: boolean | undefined;
}

/** Goes on from where it is to the end, or until it may not; returns how far it is. Throws the catalogue's errors; what earlier slices did stays. */
export async function runBatch(options: BatchOptions): Promise<BatchRecord> {
  const { session, attempt, policy, item, batch } = options;
  const key = await readBatchKey(session, policy, item, batch);
  let record = (!options.unrecorded && (await readBatch(session, item))) || (await begin(options, key));
  let size = batch.size;
  let tries = 0;
  for (let first = true; !record.done; first = false) {
    // At least one slice each time: an invocation that does nothing would be followed by another.
    if (!first && (await options.mayGoOn?.()) === false) return record;
    if (!(await standbysFollow(options))) return record;
    try {
      const started = performance.now();
      const { next, slice } = await transactionOf(session, attempt, () =>
        runSlice(options, key, record, size),
      );
      tries = 0;
      // With its COMMIT, which a synchronous standby may hold up.
      const took = { ...slice, milliseconds: performance.now() - started };
      const rest = next.done || options.unpaced ? 0 : restAfter(took, batch);
      record = next;
      options.onSlice?.({ ...took, size, rest }, record);
      size = sizeAfter(size, batch.size, took);
      if (!(await restFor(options, rest))) return record;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      tries++;
      if (!mayTryAgain(options, error, { size, tries })) throw finalError(options, error, tries);
      size = smaller(size, batch.size);
      // Full jitter, so that two who collided do not collide again in step.
      await pause(Math.random() * Math.min(100 * 2 ** tries, 5_000));
    }
  }
  return record;
}

async function begin({ session, attempt, item }: BatchOptions, key: BatchKey): Promise<BatchRecord> {
  return {
    sha256: item.sha256,
    promotion: attempt.promotion,
    cursor: null,
    upperBound: await largestKey(session, key),
    rows: 0,
    visited: 0,
    expected: await estimateRows(session, key),
    slices: 0,
    milliseconds: 0,
    done: false,
  };
}

/** In a transaction that is the slice's own. */
async function runSlice(options: BatchOptions, key: BatchKey, record: BatchRecord, size: number) {
  const { session, attempt, policy, item, statement, batch } = options;
  const started = performance.now();
  if (!options.unrecorded && record.slices === 0) await ensureBatches(session);
  const { cursor, upperBound } = record;
  const { to, visited } =
    upperBound === null
      ? { to: null, visited: 0 }
      : await nextSlice(session, key, { from: cursor, to: upperBound, size });
  let rows = 0;
  if (to !== null && visited > 0) {
    const mark = await markRecord(session);
    await pinForFiles(session, policy);
    const sql = sliceSql(batch, sliceCondition(key, batch.column, cursor, to));
    rows = await asFileError(item, statement, async () => {
      const [result] = await session.execute(sql);
      await session.execute("set constraints all immediate");
      return result?.rowCount ?? 0;
    });
    await settle(session);
    // More rows than were seen are those that others have put there since; or it was not this range that was changed.
    if (key.mayMove || (batch.verb === "update" && rows > visited)) {
      const kept = await countWritten(session, key, { from: cursor, to });
      if (kept < rows)
        throw new RehearsalError("BatchKeyMoved", {
          ...{ path: item.path, table: batch.table, key: batch.key, rows: rows - kept },
        });
    }
    await assertRecordKept(session, item, mark);
  }
  const waiting = await countWaiting(session);
  const milliseconds = performance.now() - started;
  const next: BatchRecord = {
    ...record,
    promotion: attempt.promotion,
    cursor: to,
    rows: record.rows + rows,
    visited: record.visited + visited,
    slices: record.slices + (visited > 0 ? 1 : 0),
    milliseconds: record.milliseconds + milliseconds,
    done: to === upperBound,
  };
  if (!options.unrecorded) await writeBatch(session, item.path, next);
  return { next, slice: { visited, rows, waiting } };
}

/** Sessions that wait for what this one has locked. */
async function countWaiting(session: Session): Promise<number> {
  const [row] = await session.query<{ waiting: number }>(
    `select count(distinct pid)::int as waiting from pg_locks
      where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))`,
  );
  return row?.waiting ?? 0;
}

/** Longest wait for a standby before it is somebody's to look at. */
const STANDBY_SECONDS = 600;

/** False when it was told not to go on meanwhile. */
async function restFor(options: BatchOptions, rest: number): Promise<boolean> {
  for (let left = rest; left > 0; left -= 500) {
    if ((await options.mayGoOn?.()) === false) return false;
    await pause(Math.min(left, 500));
  }
  return true;
}

/** Waits until no standby is further behind than it may be; false when it was told not to go on meanwhile. */
async function standbysFollow(options: BatchOptions): Promise<boolean> {
  const { session, batch, item } = options;
  if (options.unpaced) return true;
  const began = performance.now();
  for (let bytes = await standbyLag(session); bytes > batch.lag; bytes = await standbyLag(session)) {
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (seconds >= STANDBY_SECONDS)
      throw new RehearsalError("StandbyBehind", { path: item.path, bytes, limit: batch.lag, seconds });
    if ((await options.mayGoOn?.()) === false) return false;
    await pause(100);
  }
  return true;
}

/** Failures after which the slice may be run again with fewer rows. */
const AGAIN = ["55P03", "40P01", "40001"];

function mayTryAgain(
  { policy, batch }: BatchOptions,
  { sqlstate }: FileError,
  { size, tries }: { size: number; tries: number },
): boolean {
  // A slice that ran too long is no failure of its own while it can be made smaller.
  if (sqlstate === "57014") return size > leastSize(batch.size);
  return AGAIN.includes(sqlstate) && tries <= policy.lockRetries;
}

function finalError({ policy }: BatchOptions, error: FileError, tries: number): RehearsalError {
  const { summary } = error.statement;
  const cause = { cause: error };
  if (error.sqlstate === "55P03")
    return new RehearsalError(
      "LockTimeout",
      { statement: summary, milliseconds: policy.lockTimeout, tries },
      cause,
    );
  if (AGAIN.includes(error.sqlstate))
    return new RehearsalError(
      "ConflictPersists",
      { statement: summary, sqlstate: error.sqlstate, tries },
      cause,
    );
  return error.told(policy);
}
