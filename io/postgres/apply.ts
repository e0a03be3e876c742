/**
 * Applies a promotion's runs to a database: the same code on the copy and in production. What is applied is recorded in
 * the transaction that applies it, so a run that was cut off can be told from one that was not.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchSettings } from "../../core/batch.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Run, RunItem } from "../../core/runs.ts";
import { type BatchOptions, runBatch } from "./batch.ts";
import type { BatchRecord } from "./batch-record.ts";
import { asFileError, FileError } from "./file-error.ts";
import { runFiles } from "./file-messages.ts";
import { pinForFiles, settle } from "./file-settings.ts";
import type { Observer } from "./observer.ts";
import { runOutside } from "./outside.ts";
import { assertRecordKept, beginFiles, endFiles, markRecord } from "./record-guard.ts";
import type { Session } from "./session.ts";
import { type AppliedFile, ensureLife, recordApplied, takeRecord, transactionOf } from "./target-schema.ts";

export interface ApplyOptions {
  session: Session;
  attempt: { promotion: string; step: string; attempt: number; token: number };
  release: string;
  runs: readonly Run[];
  policy: Pick<Policy, "lockTimeout" | "lockRetries" | "statementTimeout" | "searchPath">;
  observer?: Observer;
  /** Called when a run has ended: before COMMIT in a transaction, where a throw takes everything back. */
  verify?: (runIndex: number) => Promise<void>;
  /** Told the points passed: `in-transaction`, `applied`, `verified`, `outside`, `slice`, `committed`. */
  passed?: (point: string) => void;
  /** Told each file before it runs. */
  onItem?: (item: RunItem) => void;
  /** Asked between slices and between runs once something was done; false ends it there, and the next call goes on. */
  mayGoOn?: () => Promise<boolean>;
  /** Told each slice of a batch when it is committed. */
  onSlice?: (item: RunItem, ...told: Parameters<NonNullable<BatchOptions["onSlice"]>>) => void;
  /** Told a batch that has come to its end. */
  onBatch?: (item: RunItem, record: BatchRecord) => void;
  /** True on a copy, where a batch spares nobody: neither rate nor pause nor lag hold it up. */
  unpaced?: boolean;
}

/** Applies what is not applied yet; `more` when it was told not to go on. Throws the catalogue's errors; a failed transaction has left nothing. */
export async function applyRuns(options: ApplyOptions): Promise<"done" | "more"> {
  await lockRunner(options.session);
  try {
    return await applyLocked(options);
  } finally {
    // A session that is gone has let go of it already; the failure that ended it is the one to tell.
    await options.session.query("select pg_advisory_unlock(7230271, 1)").catch((error: unknown) => error);
  }
}

async function applyLocked(options: ApplyOptions): Promise<"done" | "more"> {
  const paths = options.runs.flatMap(({ items }) => items.map(({ path }) => path));
  // Nobody else records a file while the lock is held.
  const { applied, lively } = await takeRecord(options.session, options.attempt, paths);
  let begun = false;
  for (const [index, run] of options.runs.entries()) {
    const left = run.items.filter((item) => !isApplied(item, applied));
    if (left.length === 0) continue;
    if (begun && (await options.mayGoOn?.()) === false) return "more";
    // A file's triggers may ask for it.
    if (!begun && !lively) await ensureLife(options.session);
    begun = true;
    if (run.transactional) await applyWithRetries(options, run, index);
    else if ((await applyOutside(options, run, index)) === "more") return "more";
    options.passed?.("committed");
  }
  return "done";
}

function isApplied(item: RunItem, applied: readonly Pick<AppliedFile, "path" | "sha256">[]): boolean {
  return applied.some((file) => file.path === item.path && file.sha256 === item.sha256);
}

/**
 * One runner per database: held by the session, not by a transaction, so that CREATE INDEX CONCURRENTLY, which waits
 * for older transactions, does not wait for its own runner.
 */
async function lockRunner(session: Session): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const [row] = await session.query<{ locked: boolean }>(
      "select pg_try_advisory_lock(7230271, 1) as locked",
    );
    if (row?.locked) return;
    if (Date.now() > deadline) throw new RehearsalError("RunnerBusy", { database: session.address.database });
    await pause(50);
  }
}

/** Failures after which the whole transaction may simply be run again. */
const AGAIN: Record<string, "lock" | "conflict"> = {
  "55P03": "lock",
  "40P01": "conflict",
  "40001": "conflict",
};

async function applyWithRetries(options: ApplyOptions, run: Run, index: number): Promise<void> {
  const { lockRetries, lockTimeout } = options.policy;
  for (let tries = 1; ; tries++) {
    try {
      return await applyTransaction(options, run, index);
    } catch (error) {
      const failure = error instanceof FileError ? error : undefined;
      const again = failure && AGAIN[failure.sqlstate];
      if (!again) throw failure ? failure.told(options.policy) : error;
      if (tries > lockRetries) {
        const statement = failure.statement.summary;
        throw again === "lock"
          ? new RehearsalError(
              "LockTimeout",
              { statement, milliseconds: lockTimeout, tries },
              { cause: failure },
            )
          : new RehearsalError(
              "ConflictPersists",
              { statement, sqlstate: failure.sqlstate, tries },
              { cause: failure },
            );
      }
      // Full jitter, so that two who collided do not collide again in step.
      await pause(Math.random() * Math.min(100 * 2 ** tries, 5_000));
    }
  }
}

/**
 * The record is marked around all files of the transaction. When together they have touched it, they run once more, each between marks of its
 * own: that finds the file.
 */
async function applyTransaction(options: ApplyOptions, run: Run, index: number): Promise<void> {
  try {
    await applyMarked(options, run, index, [run.items]);
  } catch (error) {
    const touched = error instanceof RehearsalError && (error as RehearsalError).code === "LedgerTouched";
    if (!touched || run.items.length === 1) throw error;
    const alone = run.items.map((item) => [item]);
    await applyMarked(options, run, index, alone);
  }
}

async function applyMarked(
  options: ApplyOptions,
  run: Run,
  index: number,
  groups: readonly RunItem[][],
): Promise<void> {
  const { session, observer } = options;
  await transactionOf(session, options.attempt, async () => {
    options.passed?.("in-transaction");
    await observer?.runBegins?.(run);
    const milliseconds: number[] = [];
    for (const items of groups) {
      const [first] = items;
      if (first === undefined) continue;
      const record = await beginFiles(session, options.policy);
      milliseconds.push(...(await runFiles(options, items, record)));
      await endFiles(session, first, record);
    }
    await recordApplied(session, options, run.items, milliseconds);
    await session.execute("set constraints all immediate");
    await observer?.runEnds?.(run);
    options.passed?.("applied");
    await options.verify?.(index);
    options.passed?.("verified");
  });
}

/** Runs a file once more, as it would run the first time, without recording it: the proof of a claim to be idempotent. */
export async function runAgain(options: ApplyOptions, run: Run, item: RunItem): Promise<void> {
  const { session, attempt, policy } = options;
  const [first] = item.statements;
  if (item.batch !== undefined && first !== undefined) {
    await runBatch({
      session,
      attempt,
      policy,
      item,
      statement: first,
      batch: item.batch,
      unpaced: true,
      unrecorded: true,
    });
    return;
  }
  const statements = async () => {
    await pinForFiles(session, options.policy);
    for (const statement of item.statements)
      await asFileError(item, statement, () => session.execute(statement.sql)).catch((error: unknown) => {
        throw error instanceof FileError ? error.told(options.policy) : error;
      });
    await settle(session);
  };
  await (run.transactional ? session.transaction(statements) : statements());
}

/** A migration that asked for no transaction, or for slices; `more` when it was told not to go on between those. */
async function applyOutside(options: ApplyOptions, run: Run, index: number): Promise<"done" | "more"> {
  const { session, observer } = options;
  await observer?.runBegins?.(run);
  for (const item of run.items) {
    options.onItem?.(item);
    const started = performance.now();
    if (item.batch === undefined) await applyStatements(options, item);
    else if ((await applyBatch(options, item, item.batch)) === "more") return "more";
    await options.verify?.(index);
    options.passed?.("verified");
    await transactionOf(session, options.attempt, () =>
      recordApplied(session, options, [item], [performance.now() - started]),
    );
  }
  await observer?.runEnds?.(run);
  return "done";
}

/** Each statement is noted as begun before it runs and as done after. */
async function applyStatements(options: ApplyOptions, item: RunItem): Promise<void> {
  const { session, observer } = options;
  const record = await markRecord(session);
  for (const statement of item.statements) {
    await pinForFiles(session, options.policy);
    await observer?.statementBegins?.(item, statement);
    const result = await runOutside({
      session,
      attempt: options.attempt,
      item,
      statement,
      policy: options.policy,
      execute: async () => {
        const results = await asFileError(item, statement, () => session.execute(statement.sql));
        await settle(session);
        await assertRecordKept(session, item, record);
        await pinForFiles(session, options.policy);
        return results;
      },
      isRefusal: (error) => error instanceof FileError && error.sqlstate !== "57P01",
    }).catch(async (error: unknown) => {
      await observer?.statementFailed?.();
      throw error instanceof FileError ? error.told(options.policy) : error;
    });
    await settle(session);
    await observer?.statementEnded?.(item, statement, result);
    options.passed?.("outside");
  }
}

/** Its slices are to the observer one statement, which changes as many rows as they do together. */
async function applyBatch(
  options: ApplyOptions,
  item: RunItem,
  batch: BatchSettings,
): Promise<"done" | "more"> {
  const { observer } = options;
  const [statement] = item.statements;
  if (statement === undefined) throw new Error(`${item.path} is a batch without a statement`);
  await observer?.statementBegins?.(item, statement);
  const onSlice: BatchOptions["onSlice"] = (slice, record) => {
    options.passed?.("slice");
    options.onSlice?.(item, slice, record);
  };
  const record = await runBatch({ ...options, item, statement, batch, onSlice }).catch(
    async (error: unknown) => {
      await observer?.statementFailed?.();
      throw error;
    },
  );
  if (!record.done) {
    await observer?.statementFailed?.();
    return "more";
  }
  await observer?.statementEnded?.(item, statement, { command: statement.kind, rowCount: record.rows });
  options.onBatch?.(item, record);
  return "done";
}
