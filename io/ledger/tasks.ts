/** Tasks in the ledger: one row each; every attempt takes a larger fencing token, and only the newest may write. */
import type { Json } from "../../core/canonical-json.ts";
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import type { Compute } from "../../core/policy.ts";
import type { Progress } from "../../core/progress.ts";
import { isTaskEnded, type TaskInputs, type TaskKind, type TaskStatus } from "../../core/tasks.ts";
import type { Session } from "../postgres/session.ts";
import type { HalfMade } from "./half-made.ts";
import { takeToken } from "./tokens.ts";

/** What an attempt leaves for the next, or for whoever cleans up after the last. */
export interface TaskFacts {
  /** Where it runs, noted when it was asked for; in a function when nothing is. */
  compute?: Compute;
  /** The copy that is being made; null when none is. */
  copying?: HalfMade | null;
  /** restore: the database that was made and is about to be given its name. */
  made?: {
    oid: number;
    name: string;
    /** That the restore took. */
    seconds: number;
    /** The database whose name it is to have. */
    replaces?: number;
    withoutTablespace: string[];
    closed: boolean;
  };
  /** export, report: when its files were removed. */
  removedAt?: string;
  /** import-files: how far it is. */
  position?: ImportPosition;
  /** store-sync: until when it follows, by the ledger's clock, and the changes that came over so far. */
  following?: { until: string; changes: number };
  /** store-cutover: when writers were turned away, by the ledger's clock. */
  closedAt?: string;
  /** store-cutover: the comparison by which the store's own head is about to say that it counts; it is to be asked from then on. */
  declaring?: KeptFile[];
  /** store-cutover: why the store does not take the database's place, which is about to be let back in. */
  refused?: {
    refusal: ErrorRecord;
    models: number;
    rows: number;
    differences: number;
    told: string[];
    files: KeptFile[];
  };
}

/** A file that a task has left, and the attempt that wrote it. */
export interface KeptFile {
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
  attempt: number;
}

/** How far an import is: what another attempt goes on behind. */
export interface ImportPosition {
  /** The last record's folder that is done; null before the first. */
  after: string | null;
  records: { imported: number; refused: number };
  /** By the mapping's sets of rows. */
  rows: Record<string, { staged: number; inserted: number; updated: number }>;
  media: { stored: number; present: number; bytes: number };
  disagreements: number;
  unread: number;
  bytes: number;
  report: { parts: KeptFile[]; lines: number; untold: number };
}

interface Of<K extends TaskKind> {
  kind: K;
  input: TaskInputs[K];
}

export type Task = { [K in TaskKind]: Of<K> }[TaskKind] & {
  id: string;
  environment: string | null;
  backup: string | null;
  requestedBy: string;
  status: TaskStatus;
  attempt: number;
  facts: TaskFacts;
  outcome: Json;
  /** Why it failed; while it runs, why its latest attempt did. */
  error: ErrorRecord | null;
  progress: Progress | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
};

/** A task of one kind. */
export type TaskOf<K extends TaskKind> = Extract<Task, { kind: K }>;

export interface TaskAttempt {
  task: string;
  attempt: number;
  /** Larger than every token given out before it. */
  token: number;
}

const COLUMNS = `id, kind, environment, backup, input, requested_by as "requestedBy", status, attempt, facts, outcome, error,
  progress, created_at as "createdAt", started_at as "startedAt", ended_at as "endedAt"`;

export type NewTask = { [K in TaskKind]: Of<K> }[TaskKind] &
  Pick<Task, "id" | "environment" | "backup" | "requestedBy"> & { facts?: TaskFacts };

export async function insertTask(session: Session, task: NewTask): Promise<void> {
  await session.query(
    `insert into ledger.tasks (id, kind, environment, backup, input, requested_by, facts) values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      ...[task.id, task.kind, task.environment, task.backup, JSON.stringify(task.input), task.requestedBy],
      JSON.stringify(task.facts ?? {}),
    ],
  );
}

/** The task of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readTask(session: Session, id: string, lock?: "lock"): Promise<Task> {
  const [row] = await session.query<Task>(
    `select ${COLUMNS} from ledger.tasks where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "task", name: id });
  return row;
}

/** Newest first; of one environment or backup when named; `before` is the id to go on from. */
export async function listTasks(
  session: Session,
  options: {
    environment?: string;
    among?: readonly string[];
    backup?: string;
    kinds?: readonly TaskKind[];
    before?: string;
    limit: number;
  },
): Promise<Task[]> {
  return session.query<Task>(
    `select ${COLUMNS} from ledger.tasks t
      where ($1::text is null or environment = $1) and ($2::text is null or backup = $2)
        and ($4::text is null or (t.created_at, t.id) < (select b.created_at, b.id from ledger.tasks b where b.id = $4
          and ($1::text is null or b.environment = $1) and ($5::text[] is null or b.environment = any ($5))))
        and ($5::text[] is null or environment = any ($5)) and ($6::text[] is null or kind = any ($6))
      order by t.created_at desc, t.id desc limit $3`,
    [
      options.environment ?? null,
      options.backup ?? null,
      options.limit,
      options.before ?? null,
      options.among ?? null,
      options.kinds ?? null,
    ],
  );
}

/** Tasks that have not ended: the reconciler's work list. */
export async function listUnendedTasks(session: Session): Promise<Task[]> {
  return session.query<Task>(
    `select ${COLUMNS} from ledger.tasks where status in ('created', 'running') order by created_at`,
  );
}

/** Tasks of the named kinds, which leave files, that ended at least so many seconds ago and whose files may still be there. */
export async function listStaleExports(
  session: Session,
  seconds: { readonly [K in TaskKind]?: number },
): Promise<Task[]> {
  return session.query<Task>(
    `select ${COLUMNS} from ledger.tasks where $1::jsonb ? kind and not facts ? 'removedAt'
      and ended_at < now() - make_interval(secs => ($1::jsonb->>kind)::double precision) order by created_at`,
    [JSON.stringify(seconds)],
  );
}

/**
 * Begins an attempt, which makes every older one a zombie; undefined when the task has ended. Must be called inside a
 * transaction.
 */
export async function beginTask(
  session: Session,
  id: string,
): Promise<{ task: Task; attempt?: TaskAttempt }> {
  const task = await readTask(session, id, "lock");
  if (isTaskEnded(task.status)) return { task };
  const given = await takeToken(session, "tasks", id);
  return {
    task: { ...task, status: "running", attempt: given.attempt },
    attempt: { task: id, ...given },
  };
}

/** Throws `AttemptStale` unless this is still the newest attempt of a task that has not ended; holds its row until the transaction ends. */
export async function assertNewestOfTask(session: Session, attempt: TaskAttempt): Promise<void> {
  const [row] = await session.query<{ kind: string; status: TaskStatus; token: string }>(
    "select kind, status, token from ledger.tasks where id = $1 for update",
    [attempt.task],
  );
  if (row === undefined || isTaskEnded(row.status) || Number(row.token) !== attempt.token)
    throw new RehearsalError("AttemptStale", { step: row?.kind ?? "task", attempt: attempt.attempt });
}

/** Ends a task; the caller holds its row and knows that it may. */
export async function endTask(
  session: Session,
  id: string,
  result: { outcome: Json } | { error: ErrorRecord },
): Promise<void> {
  const succeeded = "outcome" in result;
  await session.query(
    `update ledger.tasks set status = $2, outcome = $3, error = $4, ended_at = now() where id = $1`,
    [
      id,
      succeeded ? "succeeded" : "failed",
      succeeded ? JSON.stringify(result.outcome) : null,
      succeeded ? null : JSON.stringify(result.error),
    ],
  );
}

/** Notes why an attempt failed; the task goes on. */
export async function noteTaskError(session: Session, id: string, error: ErrorRecord): Promise<void> {
  await session.query("update ledger.tasks set error = $2 where id = $1", [id, JSON.stringify(error)]);
}

/** Names the backup that came of a task. */
export async function setTaskBackup(session: Session, id: string, backup: string): Promise<void> {
  await session.query("update ledger.tasks set backup = $2 where id = $1", [id, backup]);
}

/** Merges facts. */
export async function addTaskFacts(session: Session, id: string, facts: TaskFacts): Promise<void> {
  await session.query("update ledger.tasks set facts = facts || $2::jsonb where id = $1", [
    id,
    JSON.stringify(facts),
  ]);
}

/** Writes how far an attempt is, for whoever watches; an older attempt's word counts for nothing. */
export async function writeTaskProgress(
  session: Session,
  attempt: TaskAttempt,
  progress: Progress,
): Promise<void> {
  await session.query("update ledger.tasks set progress = $3 where id = $1 and token = $2", [
    attempt.task,
    attempt.token,
    JSON.stringify(progress),
  ]);
}
