/** What every task shares: an attempt in the ledger around the work, and the log told of how it ended. */
import type { Json } from "../core/canonical-json.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError, toErrorRecord } from "../core/errors.ts";
import type { Progress } from "../core/progress.ts";
import { isTaskEnded, type TaskKind } from "../core/tasks.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import {
  assertNewestOfTask,
  beginTask,
  endTask,
  noteTaskError,
  type Task,
  type TaskAttempt,
  type TaskOf,
  writeTaskProgress,
} from "../io/ledger/tasks.ts";
import { milestone } from "../io/milestone.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { dropScratch } from "../io/postgres/databases.ts";
import { endSessions } from "../io/postgres/end-sessions.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { about } from "../io/telemetry/about.ts";
import { log } from "../io/telemetry/log.ts";
import { traced } from "../io/telemetry/trace.ts";
import { carriedError } from "./carried.ts";
import { artifacts, secrets } from "./clients.ts";
import { readCopiesAddress } from "./copies.ts";
import { exportPrefix } from "./exports.ts";
import { endSessionsOfOlder, undisturbed } from "./older-attempts.ts";
import { trySending } from "./outbox.ts";
import { noteProgress } from "./progress.ts";
import { enoughTime, whileAlive } from "./time-left.ts";

/** One attempt of a task of whatever kind. */
export interface TaskRun {
  task: Pick<Task, "id" | "kind">;
  attempt: TaskAttempt;
  ledger: Session;
  store: ObjectStore;
  /** pg_stat_activity's name of this attempt's sessions. */
  application: string;
  /** Tells listeners that a point was passed. */
  passed(point: string): void;
  /** Tells whoever watches how far the task is. */
  progress(progress: Progress): void;
  /** Notes that something has come to stay: should the time run out now, the task is called again for the rest, and not refused. `false`: that nothing does. */
  kept(something?: boolean): void;
  /** Whether anything has. */
  hasKept(): boolean;
  /** Asked between two parts of the work: false when the time is needed for the end, and the rest is another attempt's. */
  mayGoOn(): boolean;
  /** Runs the work while no later attempt can begin; throws `AttemptStale` when one has. */
  asNewest<T>(work: () => Promise<T>): Promise<T>;
}

export interface TaskContext<K extends TaskKind = TaskKind> extends TaskRun {
  task: TaskOf<K>;
}

export interface TaskResult {
  /** Small: it travels through the state machine and stands in the log. */
  outcome: Json;
  /** The work is not done: the machine, told by `more: true` in the outcome, calls for the rest, which goes by what is kept in `facts`. */
  more?: true;
  /** More writes to the ledger, in the transaction that ends the task. */
  also?: (ledger: Session) => Promise<void>;
}

export type TaskWork<K extends TaskKind> = (context: TaskContext<K>) => Promise<TaskResult>;

/**
 * What more it takes to close a task of that kind that failed for good; the result of one that had done what it was to do, though it
 * could not tell. What it throws leaves the task open, and the reconciler tries again: it is for what must not stay half done.
 */
export type TaskClosing<K extends TaskKind> = (
  context: TaskContext<K>,
) => Promise<Pick<TaskResult, "outcome" | "also"> | undefined>;

export type TaskClosings = { [K in TaskKind]?: TaskClosing<K> };

/**
 * One attempt, which may take `lifetime` milliseconds; a task that has ended well gives its outcome again. Throws errors
 * whose `name` is the catalogue's code.
 */
export async function attemptTask(
  ledger: Session,
  id: string,
  works: { [K in TaskKind]: TaskWork<K> },
  lifetime: number,
): Promise<Json> {
  const { task, attempt } = await ledger.transaction(() => beginTask(ledger, id));
  if (attempt === undefined) return endOf(task);
  const of = { task: id, step: `task-${task.kind}`, attempt: attempt.attempt };
  about({ ...of, ...(task.environment !== null && { environment: task.environment }) });
  log.info("begun");
  const note = noteProgress((latest) => writeTaskProgress(ledger, attempt, latest));
  const context = contextOf(ledger, task, attempt, { progress: note.tell, mayGoOn: enoughTime(lifetime) });
  let result: TaskResult;
  try {
    context.passed("begun");
    // The kind decides the input's shape, which the types cannot follow through the table.
    const work = () => traced(of.step, of, () => (works[task.kind] as TaskWork<TaskKind>)(context));
    const endSessions = () => endOwn(context);
    const rest = (): TaskResult | undefined =>
      context.hasKept() ? { more: true, outcome: { more: true } } : undefined;
    result = await whileAlive<TaskResult>({ what: task.kind, lifetime, endSessions, rest }, work);
  } catch (thrown) {
    const error = await carriedError(context.store, `tasks/${id}/${attempt.attempt}/`, thrown);
    await ledger.transaction(async () => {
      await assertNewestOfTask(ledger, attempt);
      await note.writeLatest();
      await noteTaskError(ledger, id, toErrorRecord(error));
    });
    throw error;
  }
  context.passed("effect");
  if (result.more) {
    await ledger.transaction(async () => {
      await assertNewestOfTask(ledger, attempt);
      await note.writeLatest();
    });
    context.passed("yielded");
    return result.outcome;
  }
  await ledger.transaction(async () => {
    await assertNewestOfTask(ledger, attempt);
    await note.writeLatest();
    await endTask(ledger, id, { outcome: result.outcome });
    await result.also?.(ledger);
  });
  context.passed("recorded");
  log.info("done");
  await trySending(ledger);
  return result.outcome;
}

function contextOf(
  ledger: Session,
  task: Task,
  attempt: TaskAttempt,
  { progress, mayGoOn }: Pick<TaskContext, "progress" | "mayGoOn">,
): TaskContext {
  let kept = false;
  return {
    ...{ task, attempt, ledger, progress, mayGoOn },
    kept: (something = true) => {
      kept = something;
    },
    hasKept: () => kept,
    store: artifacts(),
    application: `${sessionsOf(task)} ${attempt.attempt}`,
    passed: (point) => milestone(task.id, `task-${task.kind}`, point),
    asNewest: (work) => undisturbed(ledger, () => assertNewestOfTask(ledger, attempt), work),
  };
}

async function endOwn({ task, ledger, application }: TaskContext): Promise<void> {
  if (task.environment === null) return;
  const { openMaintenance } = await openEnvironment(ledger, task.environment, application);
  const maintenance = await openMaintenance();
  try {
    await endSessions(maintenance, application);
  } finally {
    await maintenance.close();
  }
}

/**
 * Ends a task for which no attempt will come any more: its sessions and its copies go, and the reason is told. Returns
 * how it ended, which may be well.
 */
export async function closeTask(
  ledger: Session,
  id: string,
  failure: { Error: string; Cause: string },
  closings: TaskClosings = {},
): Promise<Json> {
  // A last attempt takes the task from whoever may still be at it.
  const { task, attempt } = await ledger.transaction(() => beginTask(ledger, id));
  if (attempt === undefined) return endOf(task);
  try {
    await removeTraces(task, attempt.attempt);
  } catch (failed) {
    // Nobody should have to wait for a server that is gone: what is left of a task that has ended the sweep removes.
    if (!(failed instanceof RehearsalError)) throw failed;
  }
  const closing = closings[task.kind] as TaskClosing<TaskKind> | undefined;
  if (closing !== undefined) {
    const context = contextOf(ledger, task, attempt, { progress: () => undefined, mayGoOn: () => true });
    const ended = await closing(context);
    if (ended !== undefined) {
      await ledger.transaction(async () => {
        await assertNewestOfTask(ledger, attempt);
        await endTask(ledger, id, { outcome: ended.outcome });
        await ended.also?.(ledger);
      });
      await trySending(ledger);
      return ended.outcome;
    }
  }
  const error =
    task.error ??
    toErrorRecord(new RehearsalError("StepDied", { error: failure.Error, cause: failure.Cause }));
  await ledger.transaction(async () => {
    await assertNewestOfTask(ledger, attempt);
    await endTask(ledger, id, { error });
    await appendEvent(ledger, {
      type: "task.failed",
      ...(task.environment !== null && { environment: task.environment }),
      data: { task: id, kind: task.kind, code: error.code, message: error.message },
    });
  });
  await trySending(ledger);
  return { ended: "failed", message: error.message };

  async function removeTraces(of: Task, attempts: number): Promise<void> {
    const store = artifacts();
    if (of.kind === "export" || of.kind === "report" || of.kind === "prune-test")
      await store.erase(exportPrefix(id));
    if (of.environment === null || !MAKES_DATABASES.has(of.kind)) return;
    const { openMaintenance } = await openCopies(ledger, of.environment, sessionsOf(of));
    const maintenance = await openMaintenance();
    try {
      await endSessionsOfOlder(maintenance, sessionsOf(of), attempts);
      await dropScratch(maintenance, id, []);
    } finally {
      await maintenance.close();
    }
  }
}

const MAKES_DATABASES: ReadonlySet<TaskKind> = new Set([
  "verify",
  "restore",
  "replay",
  "squash",
  "adopt",
  "prune-test",
]);

/** How the names of a task's sessions begin; an attempt's number follows. */
export function sessionsOf({ id, kind }: Pick<Task, "id" | "kind">): string {
  return `rehearsal ${id} ${kind}`;
}

export interface TaskEnvironment {
  environment: Environment;
  /** With its password. */
  address: DatabaseAddress;
  /** A session on the database from which others are made and renamed. */
  openMaintenance(): Promise<Session>;
}

/** The environment a task is about. */
export async function openEnvironment(
  ledger: Session,
  name: string,
  application: string,
): Promise<TaskEnvironment> {
  const environment = await readEnvironment(ledger, name);
  return reached(environment, parseDatabaseUrl(await secrets.readSecret(environment.secret)), application);
}

/** The same by the credentials for copies: for databases that a task makes beside the environment's own. */
export async function openCopies(
  ledger: Session,
  name: string,
  application: string,
): Promise<TaskEnvironment> {
  const environment = await readEnvironment(ledger, name);
  return reached(environment, await readCopiesAddress(environment), application);
}

function reached(environment: Environment, address: DatabaseAddress, application: string): TaskEnvironment {
  const { maintenanceDatabase: database, patience: patienceSeconds } = environment.policy;
  const openMaintenance = () => openSession(address, { application, patienceSeconds, database });
  return { environment, address, openMaintenance };
}

function endOf(task: Task): Json {
  if (isTaskEnded(task.status) && task.error !== null)
    return { ended: "failed", message: task.error.message };
  return task.outcome;
}
