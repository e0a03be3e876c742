/** Import from SQLite: the whole file comes over or nothing of it, and what was wrong with it is told value by value. */
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { describeSource, intakePrefix, uploadPrefix } from "../../core/import/source.ts";
import type { SqliteReport } from "../../core/import/sqlite-report.ts";
import { type SqliteSource, sqliteFile, sqliteObject } from "../../io/import/sqlite-copy.ts";
import { importSqlite } from "../../io/import/sqlite-import.ts";
import type { Environment } from "../../io/ledger/environments.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { type ObjectStore, openObjectStore } from "../../io/object-store.ts";
import { commitInTurn } from "../commit-turn.ts";
import { refuseSource } from "../import-source.ts";
import { findImport } from "../imports.ts";
import { eraseUpload } from "../intake.ts";
import { assertMeant } from "../meant-database.ts";
import { endSessionsOfOlder } from "../older-attempts.ts";
import { openEnvironment, sessionsOf, type TaskContext, type TaskWork } from "../task.ts";
import { writeTaskFiles } from "../task-files.ts";

export const importSqliteTask: TaskWork<"import-sqlite"> = async (context) => {
  const { task, attempt, ledger, store, application } = context;
  const { release, import: name, source, dryRun } = task.input;
  const { environment, address, openMaintenance } = await openEnvironment(
    ledger,
    task.environment ?? "",
    application,
  );
  const { patience: patienceSeconds } = environment.policy;
  const mapping = await findImport(store, release, name, "sqlite");
  const maintenance = await openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
  } finally {
    await maintenance.close();
  }
  await assertMeant(environment, address, application);
  const imported = await withSource(context, environment, async (opened) =>
    importSqlite({
      ...{ source: opened, mapping, address, application, dryRun, id: task.id },
      ...{ attempt: attempt.attempt, patienceSeconds },
      onProgress: context.progress,
      passed: context.passed,
      commit: (commit) => commitInTurn(context, environment.name, commit),
    }),
  );
  context.passed("committed");
  const { tables, plan, file, views, changed, refusal } = imported;
  const good = refusal === undefined && !dryRun;
  const report: SqliteReport = {
    ...{ format: "rehearsal-sqlite-import/1", import: name, release, environment: environment.name },
    ...{ task: task.id, file, imported: good, tables, left: plan.left, views },
  };
  const files = await writeTaskFiles(context, {
    "report.json": `${canonicalJson(report as unknown as Json)}\n`,
  });
  // Whatever was wrong with it can be tried again after the mapping was mended.
  if (good) await eraseUpload(store, environment.name, source);
  const rows = tables.reduce((sum, { sqlite }) => sum + sqlite.rows, 0);
  return {
    outcome: {
      ...{ import: name, release, file: file.name, imported: good, changed, dryRun },
      ...{ tables: tables.length, rows, refused: tables.reduce((sum, { refused }) => sum + refused, 0) },
      ...(refusal !== undefined && { refusal: toErrorRecord(refusal) as unknown as Json }),
      files: files as unknown as Json,
    },
    also: (ledger) =>
      appendEvent(ledger, {
        type: refusal !== undefined ? "import.refused" : dryRun ? "import.tried" : "database.imported",
        environment: environment.name,
        data: {
          ...{ task: task.id, import: name, release, from: describeSource(source), file: file.name },
          ...{ imported: good, changed, tables: tables.length, rows, by: task.requestedBy },
          ...(refusal !== undefined && { code: refusal.code }),
        },
      }).then(() => undefined),
  };
};

/** The file, wherever the source is; it is closed after the work. */
async function withSource<T>(
  { task, store }: TaskContext<"import-sqlite">,
  environment: Environment,
  work: (source: SqliteSource) => Promise<T>,
): Promise<T> {
  const { source, file } = task.input;
  refuseSource(environment, source);
  if ("folder" in source)
    return work(sqliteFile(file === undefined ? source.folder : `${source.folder}/${file}`));
  if ("upload" in source)
    return work(await objectBelow(store, uploadPrefix(environment.name, source.upload), file));
  const { storage } = environment.policy;
  if (storage === undefined) throw new Error("the door has let in an intake without storage");
  const bucket = openObjectStore({ bucket: storage.bucket, elsewhere: true });
  try {
    return await work(await objectBelow(bucket, intakePrefix(storage, source.intake), file));
  } finally {
    bucket.close();
  }
}

/** The one of that name, or the only database there. */
async function objectBelow(
  store: ObjectStore,
  prefix: string,
  file: string | undefined,
): Promise<SqliteSource> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) if (!/-(?:wal|shm|journal)$/.test(key)) found.push(key);
  const wanted = file === undefined ? found : found.filter((key) => key === prefix + file);
  const [only] = wanted;
  const where = `s3://${store.bucket}/${prefix}${file ?? ""}`;
  if (only === undefined) throw new RehearsalError("ImportSourceMissing", { source: where });
  if (wanted.length > 1)
    throw new RehearsalError("ImportSourceUnfit", {
      source: where,
      reason: "it holds several files; say which with --file",
    });
  return sqliteObject(store, only);
}
