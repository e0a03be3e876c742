/**
 * Starting a task: a row, then an execution of the same name, each made exactly once.
 * Long because every kind of task is refused early here, in its own words.
 */
import type { Json } from "../core/canonical-json.ts";
import { RehearsalError } from "../core/errors.ts";
import type { HistoryTool } from "../core/formats/history-tools.ts";
import type { ImportSourceName } from "../core/import/source.ts";
import type { RetentionClass } from "../core/retention.ts";
import type { ExportFormat } from "../core/tasks.ts";
import { newestUsable, readBackup } from "../io/ledger/backup-rows.ts";
import { tellOfBackup } from "../io/ledger/backups.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { findRelease } from "../io/ledger/releases.ts";
import { insertTask, type NewTask, readTask, type Task, type TaskFacts } from "../io/ledger/tasks.ts";
import { environmentOf } from "../io/ledger/whereabouts.ts";
import { newId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { refuseGone, refuseUnusable } from "./backups.ts";
import { artifacts, stepFunctions } from "./clients.ts";
import { refuseFenced, refuseLocked } from "./fenced.ts";
import { refuseSource } from "./import-source.ts";
import { type Asker, startOnce } from "./keyed-start.ts";
import { refuseWithoutContainers, taskMachine } from "./machines.ts";
import { findPolicy } from "./retention-policies.ts";

export interface Started {
  task: Task;
  repeated: boolean;
}

/** Starts a backup; `base` is an id or `latest`. Throws `EnvironmentFenced`, `NotFound` and `BackupUnusable`. */
export async function startBackup(
  ledger: Session,
  request: { environment: string; base?: string; retention: RetentionClass },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "back-up", ...request }, async () => {
    const { name } = await readEnvironment(ledger, request.environment);
    await refuseFenced(ledger, name);
    const base = request.base === undefined ? undefined : await baseOf(ledger, name, request.base);
    return {
      kind: "back-up",
      environment: name,
      backup: null,
      input: {
        backup: newId("backup"),
        retention: request.retention,
        ...(base !== undefined && { base }),
      },
    };
  });
}

/** Starts the reading of a backup's objects, or its restore into a database that is dropped again. */
export async function startVerify(
  ledger: Session,
  request: { backup: string; restore: boolean },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "verify", ...request }, async () => {
    const backup = await readBackup(ledger, request.backup);
    refuseGone(backup);
    return {
      kind: "verify",
      environment: backup.environment,
      backup: backup.id,
      input: { restore: request.restore },
    };
  });
}

export interface RestoreRequest {
  backup: string;
  /** The name of a new database on the server of the backup's environment. */
  to?: string;
  /** The environment whose database is replaced. */
  over?: string;
  /** The environment's name once more; needed where its role is prod. */
  confirm?: string;
  /** By the backup's name of a tablespace, the server's that takes its place. */
  tablespaces?: Record<string, string>;
}

/**
 * Starts a restore. Throws `RestoreForeign` for another environment's backup, which is told in the log, `RestoreOverProd`
 * when production's name was not said, and `EnvironmentLocked`.
 */
export async function startRestore(ledger: Session, request: RestoreRequest, who: Asker): Promise<Started> {
  const { to, over, tablespaces } = request;
  if (over !== undefined) await refuseForeign(ledger, request.backup, over, who.person);
  return start(ledger, who, { kind: "restore", ...request }, async () => {
    const backup = await readBackup(ledger, request.backup);
    refuseUnusable(backup);
    if (over !== undefined) {
      const { role } = await readEnvironment(ledger, over);
      if (request.confirm !== over && (role === "prod" || request.confirm !== undefined))
        throw new RehearsalError("RestoreOverProd", { environment: over, given: request.confirm ?? "" });
      await refuseLocked(ledger, over);
    }
    const input = {
      ...(over === undefined ? { to: to ?? "" } : { over }),
      ...(tablespaces !== undefined && { tablespaces }),
    };
    return { kind: "restore", environment: backup.environment, backup: backup.id, input };
  });
}

/** Starts the removal of all whose time is over, of one environment or of all. */
export async function startExpiry(
  ledger: Session,
  request: { environment: string | null },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "expire", ...request }, async () => {
    if (request.environment !== null) await readEnvironment(ledger, request.environment);
    return { kind: "expire", environment: request.environment, backup: null, input: {} };
  });
}

export async function startExport(
  ledger: Session,
  request: { backup: string; format: ExportFormat },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "export", ...request }, async () => {
    const backup = await readBackup(ledger, request.backup);
    refuseGone(backup);
    return {
      kind: "export",
      environment: backup.environment,
      backup: backup.id,
      input: { format: request.format },
    };
  });
}

/** Starts a release's replay beside an environment's database. */
export async function startReplay(
  ledger: Session,
  request: { environment: string; release: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "replay", ...request }, async () => {
    const { name } = await readEnvironment(ledger, request.environment);
    const { hash } = await findRelease(ledger, request.release);
    return { kind: "replay", environment: name, backup: null, input: { release: hash } };
  });
}

/** Starts the adoption of a database that another tool has migrated. Throws `EnvironmentLocked`. */
export async function startAdoption(
  ledger: Session,
  request: { environment: string; release: string; tool?: HistoryTool; baseline?: string },
  who: Asker,
): Promise<Started> {
  const { tool, baseline } = request;
  return start(ledger, who, { kind: "adopt", ...request }, async () => {
    const { name } = await readEnvironment(ledger, request.environment);
    await refuseLocked(ledger, name);
    const { hash } = await findRelease(ledger, request.release);
    return {
      kind: "adopt",
      environment: name,
      backup: null,
      input: {
        release: hash,
        ...(tool !== undefined && { tool }),
        ...(baseline !== undefined && { baseline }),
      },
    };
  });
}

/** Starts the proof that one release's squashes make what another's migrations make. */
export async function startSquash(
  ledger: Session,
  request: { environment: string; before: string; after: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "squash", ...request }, async () => {
    const { name } = await readEnvironment(ledger, request.environment);
    const [before, after] = [
      await findRelease(ledger, request.before),
      await findRelease(ledger, request.after),
    ];
    const input = { before: before.hash, after: after.hash };
    return { kind: "squash", environment: name, backup: null, input };
  });
}

/** Starts a report of the release that the environment runs. Throws `ReportUnused`, `NotFound` and `EnvironmentFenced`. */
export async function startReport(
  ledger: Session,
  request: { environment: string; report: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "report", ...request }, async () => {
    // Loaded on first use, for it reads a release.
    const { definitionOf, readDefinitions } = await import("./reporting.ts");
    const defined = await readDefinitions(ledger, artifacts(), request.environment);
    const { name } = definitionOf(defined, "report", request.report);
    const { environment, release } = defined;
    await refuseFenced(ledger, environment.name);
    return { kind: "report", environment: environment.name, backup: null, input: { release, report: name } };
  });
}

/** Starts the making of documents anew, of these records or of all whose payload is another by now. Throws as `startReport` does, and `StorageUnset`. */
export async function startRegeneration(
  ledger: Session,
  request: { environment: string; document: string; records: string[] | null },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "regenerate", ...request }, async () => {
    // Loaded on first use, for it reads a release.
    const { definitionOf, readDefinitions } = await import("./reporting.ts");
    const defined = await readDefinitions(ledger, artifacts(), request.environment);
    const { name } = definitionOf(defined, "document", request.document);
    const { environment, release } = defined;
    if (environment.policy.storage === undefined)
      throw new RehearsalError("StorageUnset", { environment: environment.name });
    await refuseFenced(ledger, environment.name);
    const input = { release, document: name, records: request.records };
    return { kind: "regenerate", environment: environment.name, backup: null, input };
  });
}

/** Starts the reading of what an environment's database holds. Throws `EnvironmentFenced`. */
export async function startBaseline(
  ledger: Session,
  request: { environment: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "baseline", ...request }, async () => {
    const { name } = await readEnvironment(ledger, request.environment);
    await refuseFenced(ledger, name);
    return { kind: "baseline", environment: name, backup: null, input: {} };
  });
}

/**
 * Starts the test of a retention policy on a copy that is made of a backup: an id, or `latest`. Throws `PolicyUnknown`,
 * `NotFound` and `BackupUnusable`.
 */
export async function startPruneTest(
  ledger: Session,
  request: { environment: string; policy: string; backup: string; records?: number },
  who: Asker,
): Promise<Started> {
  const { policy, records } = request;
  return start(ledger, who, { kind: "prune-test", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    const { release } = await findPolicy(artifacts(), environment, policy);
    const backup = await baseOf(ledger, environment.name, request.backup);
    const input = { policy, release, ...(records !== undefined && { records }) };
    return { kind: "prune-test", environment: environment.name, backup, input };
  });
}

export interface SqliteImportRequest {
  environment: string;
  source: ImportSourceName;
  file?: string;
  /** Which mapping; the only one when left out. */
  import?: string;
  /** The environment's name once more; needed where its role is prod. */
  confirm?: string;
  dryRun: boolean;
}

/** Starts an import from SQLite. Throws `ImportReleaseMissing`, `ImportUnknown`, `ImportOverProd`, `ImportSourceUnfit` and `EnvironmentLocked`. */
export async function startSqliteImport(
  ledger: Session,
  request: SqliteImportRequest,
  who: Asker,
): Promise<Started> {
  const { source, file, dryRun } = request;
  return start(ledger, who, { kind: "import-sqlite", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    refuseUnconfirmed(environment, request);
    refuseSource(environment, source);
    await refuseLocked(ledger, environment.name);
    // Loaded on first use, for it reads a release.
    const { findImport, importRelease } = await import("./imports.ts");
    const release = importRelease(environment);
    const { name } = await findImport(artifacts(), release, request.import, "sqlite");
    return {
      kind: "import-sqlite",
      environment: environment.name,
      backup: null,
      input: { release, import: name, source, dryRun, ...(file !== undefined && { file }) },
    };
  });
}

/** What goes into production is said twice. */
function refuseUnconfirmed(
  { name, role }: Environment,
  { confirm, dryRun }: Pick<SqliteImportRequest, "confirm" | "dryRun">,
): void {
  if (confirm === name || (confirm === undefined && (role !== "prod" || dryRun))) return;
  throw new RehearsalError("ImportOverProd", { environment: name, given: confirm ?? "" });
}

export interface ImportRequest {
  environment: string;
  import: string;
  source: ImportSourceName;
  dryRun: boolean;
  /** The environment's name once more; needed where its role is prod and something is written. */
  confirm?: string;
}

/**
 * Starts an import of files by the mapping of the release that the environment runs. Throws `ImportOverProd` when production's
 * name was not said, `ImportSourceUnfit`, `ImportReleaseMissing`, `ImportUnknown` and `EnvironmentLocked`.
 */
export async function startImportFiles(
  ledger: Session,
  request: ImportRequest,
  who: Asker,
): Promise<Started> {
  const { import: name, source, dryRun } = request;
  return start(ledger, who, { kind: "import-files", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    refuseUnconfirmed(environment, request);
    refuseSource(environment, source);
    await refuseLocked(ledger, environment.name);
    // Loaded on first use, for it reads a release.
    const { findImport, importRelease } = await import("./imports.ts");
    const release = importRelease(environment);
    await findImport(artifacts(), release, name, "files");
    return {
      kind: "import-files",
      environment: environment.name,
      backup: null,
      input: { release, import: name, source, dryRun },
    };
  });
}

/** `NewTask` without what is given to it here; over a union each member has to be taken by itself. */
type Wanted = NewTask extends infer T
  ? T extends NewTask
    ? Omit<T, "id" | "requestedBy" | "facts">
    : never
  : never;

/** Makes the row of what `prepare` wants, which may refuse it, and starts its execution; a key that came before finds what it started. */
export async function start(
  ledger: Session,
  who: Asker,
  body: object,
  prepare: () => Promise<Wanted>,
): Promise<Started> {
  const { id, repeated } = await startOnce(ledger, who, { kind: "task", body }, async () => {
    const wanted = await prepare();
    const id = newId("task");
    const facts = await factsOf(ledger, wanted);
    await insertTask(ledger, { ...wanted, id, requestedBy: who.person, facts } as NewTask);
    // Looked at again behind the insert: an expiry that waited for us, or that we waited for, may have marked it.
    const relied = wanted.kind === "back-up" ? wanted.input.base : wanted.backup;
    if (relied !== undefined && relied !== null) refuseGone(await readBackup(ledger, relied));
    await appendEvent(ledger, {
      type: "task.created",
      ...(wanted.environment !== null && { environment: wanted.environment }),
      data: {
        ...{ task: id, kind: wanted.kind, by: who.person },
        ...(wanted.backup !== null && { backup: wanted.backup }),
        input: wanted.input as Json,
      },
    });
    return id;
  });
  const task = await readTask(ledger, id);
  if (task.status === "created") await startExecution(task);
  return { task, repeated };
}

/** What lasts runs where the environment's policy says, and stays there should the policy change. */
async function factsOf(ledger: Session, { kind, environment }: Wanted): Promise<TaskFacts> {
  if (environment === null || kind === "expire") return {};
  const wanted = await readEnvironment(ledger, environment);
  refuseWithoutContainers(wanted);
  const { policy } = wanted;
  return policy.compute === "lambda" ? {} : { compute: policy.compute };
}

/** Starts the execution of a task; starting it again finds the one that was started. */
export async function startExecution(task: Pick<Task, "id" | "facts">): Promise<void> {
  await stepFunctions.startExecution(task.id, taskMachine(task), { task: task.id });
}

/** The id of a backup on which another may build. */
async function baseOf(ledger: Session, environment: string, named: string): Promise<string> {
  // Another environment's is told of in the words for one that is not there.
  const isThere = named !== "latest" && (await environmentOf(ledger, "backup", named)) === environment;
  const newest = named === "latest" ? await newestUsable(ledger, environment) : undefined;
  const base = isThere ? await readBackup(ledger, named) : newest;
  if (base === undefined)
    throw new RehearsalError("NotFound", { what: "backup", name: `${named} of "${environment}"` });
  refuseUnusable(base);
  return base.id;
}

/** Another environment's data never goes over an environment, whoever asks and whatever they confirm. */
async function refuseForeign(ledger: Session, id: string, over: string, by: string): Promise<void> {
  const backup = await readBackup(ledger, id);
  const [from, to] = [await readEnvironment(ledger, backup.environment), await readEnvironment(ledger, over)];
  if (from.name === to.name) return;
  const refusal = new RehearsalError("RestoreForeign", {
    backup: id,
    from: from.name,
    fromRole: from.role,
    to: to.name,
    toRole: to.role,
  });
  await ledger.transaction(() =>
    tellOfBackup(ledger, "restore-refused", backup, { over, by, code: refusal.code }),
  );
  throw refusal;
}
