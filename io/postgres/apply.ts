/**
 * Applies a promotion's runs to a database: the same code on the copy and in production. What is applied is recorded in
 * the transaction that applies it, so a run that was cut off can be told from one that was not.
 */
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../core/errors.ts";
import type { Statement } from "../../core/migration.ts";
import { quoteName } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import type { Run, RunItem } from "../../core/runs.ts";
import { asFileError, FileError } from "./file-error.ts";
import { runOutside } from "./outside.ts";
import { assertRecordKept, markRecord } from "./record-guard.ts";
import {
  pinnedSettings,
  type Session,
  type StatementResult,
  WITHOUT_TRANSACTION_TIMEOUT,
} from "./session.ts";
import { type AppliedFile, readApplied, takeToken } from "./target-schema.ts";

/** Whoever measures: told around every statement, on the same session. */
export interface Observer {
  runBegins?(run: Run): Promise<void>;
  statementBegins?(item: RunItem, statement: Statement): Promise<void>;
  statementEnded?(item: RunItem, statement: Statement, result: StatementResult | undefined): Promise<void>;
  /** In place of `statementEnded`, for a statement outside a transaction. */
  statementFailed?(): Promise<void>;
  runEnds?(run: Run): Promise<void>;
}

export interface ApplyOptions {
  session: Session;
  attempt: { promotion: string; step: string; attempt: number; token: number };
  release: string;
  runs: readonly Run[];
  policy: Pick<Policy, "lockTimeout" | "lockRetries" | "statementTimeout" | "searchPath">;
  observer?: Observer;
  /** Called when a run has ended: before COMMIT in a transaction, where a throw takes everything back. */
  verify?: (runIndex: number) => Promise<void>;
  /** Told the points passed: `in-transaction`, `applied`, `verified`, `outside`, `committed`. */
  passed?: (point: string) => void;
  /** Told each file before it runs. */
  onItem?: (item: RunItem) => void;
}

/** Applies what is not applied yet. Throws the catalogue's errors; a failed transaction has left nothing. */
export async function applyRuns(options: ApplyOptions): Promise<void> {
  await lockRunner(options.session);
  try {
    await applyLocked(options);
  } finally {
    // A session that is gone has let go of it already; the failure that ended it is the one to tell.
    await options.session.query("select pg_advisory_unlock(7230271, 1)").catch((error: unknown) => error);
  }
}

async function applyLocked(options: ApplyOptions): Promise<void> {
  await takeToken(options.session, options.attempt);
  for (const [index, run] of options.runs.entries()) {
    const applied = await readApplied(options.session);
    const left = run.items.filter((item) => !isApplied(item, applied));
    if (left.length === 0) continue;
    if (run.transactional) await applyWithRetries(options, run, index);
    else await applyOutside(options, run, index);
    options.passed?.("committed");
  }
}

function isApplied(item: RunItem, applied: readonly AppliedFile[]): boolean {
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

async function applyTransaction(options: ApplyOptions, run: Run, index: number): Promise<void> {
  const { session, observer } = options;
  await session.transaction(async () => {
    // Holds the token's row to the end: an older attempt that is still alive waits here, then finds itself overtaken.
    await takeToken(session, options.attempt);
    options.passed?.("in-transaction");
    await observer?.runBegins?.(run);
    for (const item of run.items) {
      options.onItem?.(item);
      const started = performance.now();
      const record = await markRecord(session);
      await pinForFiles(options);
      for (const statement of item.statements) await runStatement(options, item, statement);
      await settle(session);
      await assertRecordKept(session, item, record);
      await recordApplied(options, item, performance.now() - started);
    }
    await session.execute("set constraints all immediate");
    await observer?.runEnds?.(run);
    options.passed?.("applied");
    await options.verify?.(index);
    options.passed?.("verified");
  });
}

async function runStatement(options: ApplyOptions, item: RunItem, statement: Statement): Promise<void> {
  await pinTimeouts(options);
  await options.observer?.statementBegins?.(item, statement);
  const [result] = await asFileError(item, statement, () => options.session.execute(statement.sql));
  await options.observer?.statementEnded?.(item, statement, result);
}

/** Runs a file once more, as it would run the first time, without recording it: the proof of a claim to be idempotent. */
export async function runAgain(options: ApplyOptions, run: Run, item: RunItem): Promise<void> {
  const { session } = options;
  const statements = async () => {
    await pinForFiles(options);
    for (const statement of item.statements)
      await asFileError(item, statement, () => session.execute(statement.sql)).catch((error: unknown) => {
        throw error instanceof FileError ? error.told(options.policy) : error;
      });
    await settle(session);
  };
  await (run.transactional ? session.transaction(statements) : statements());
}

/** A migration that asked for no transaction: each statement is noted as begun before it runs and as done after. */
async function applyOutside(options: ApplyOptions, run: Run, index: number): Promise<void> {
  const { session, observer } = options;
  await observer?.runBegins?.(run);
  for (const item of run.items) {
    options.onItem?.(item);
    const started = performance.now();
    const record = await markRecord(session);
    for (const statement of item.statements) {
      await pinForFiles(options);
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
          await pinForFiles(options);
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
    await options.verify?.(index);
    options.passed?.("verified");
    await session.transaction(async () => {
      await takeToken(session, options.attempt);
      await recordApplied(options, item, performance.now() - started);
    });
  }
  await observer?.runEnds?.(run);
}

async function recordApplied(options: ApplyOptions, item: RunItem, milliseconds: number): Promise<void> {
  await options.session.query(
    `insert into rehearsal.applied (path, version, sha256, release, promotion, milliseconds) values ($1, $2, $3, $4, $5, $6)
      on conflict (path) do update set sha256 = excluded.sha256, release = excluded.release,
        promotion = excluded.promotion, milliseconds = excluded.milliseconds, applied_at = now()`,
    [
      item.path,
      item.version,
      item.sha256,
      options.release,
      options.attempt.promotion,
      Math.round(milliseconds),
    ],
  );
}

/** The settings under which files run: the policy's search path, which a file may change for itself, and its time-outs. */
async function pinForFiles(options: ApplyOptions): Promise<void> {
  await options.session.execute(`set search_path = ${options.policy.searchPath.map(quoteName).join(", ")}`);
  await pinTimeouts(options);
}

/** Before every statement, for the one before may have set them: no file waits longer than the policy allows. */
async function pinTimeouts({ session, policy }: ApplyOptions): Promise<void> {
  await session.execute(
    `set lock_timeout = ${policy.lockTimeout}; set statement_timeout = ${policy.statementTimeout}`,
  );
}

/** Takes back whatever a file did to the session, its role first: what follows is ours again. */
async function settle(session: Session): Promise<void> {
  const pins = Object.entries(pinnedSettings({ application: "" }))
    .map(([name, value]) => `set ${name} = ${name === "search_path" ? value : `'${value}'`}`)
    .join("; ");
  await session.execute(
    `reset session authorization; reset role; reset all; ${pins}; ${WITHOUT_TRANSACTION_TIMEOUT}`,
  );
}
