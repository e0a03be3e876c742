/** The function of all tasks: one file per kind beside this one. Asked with a failure, it closes the task instead. */
import type { Json } from "../../core/canonical-json.ts";
import type { TaskKind } from "../../core/tasks.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { about } from "../../io/telemetry/about.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { openTraces } from "../../io/telemetry/trace.ts";
import { carriedOutcome } from "../carried.ts";
import { artifacts } from "../clients.ts";
import { attemptTask, closeTask, type TaskClosings, type TaskWork } from "../task.ts";
import { lifetime } from "../time-left.ts";
import { adoptTask } from "./adopt.ts";
import { backUpTask } from "./back-up.ts";
import { baselineTask } from "./baseline.ts";
import { expireTask } from "./expire.ts";
import { exportTask } from "./export.ts";
import { pruneTestTask } from "./prune-test.ts";
import { replayTask } from "./replay.ts";
import { restoreTask } from "./restore.ts";
import { squashTask } from "./squash.ts";
import { verifyTask } from "./verify.ts";

/** What the state machine hands to it. */
export interface TaskEvent {
  task: string;
  /** What failed for good, when the task is to be closed. */
  error: { Error: string; Cause: string } | null;
}

const WORKS: { [K in TaskKind]: TaskWork<K> } = {
  "back-up": backUpTask,
  verify: verifyTask,
  restore: restoreTask,
  expire: expireTask,
  export: exportTask,
  replay: replayTask,
  squash: squashTask,
  "import-files": async (context) => (await import("./import-files.ts")).importFilesTask(context),
  adopt: adoptTask,
  baseline: baselineTask,
  "import-sqlite": async (context) => (await import("./import-sqlite.ts")).importSqliteTask(context),
  report: async (context) => (await import("./report.ts")).reportTask(context),
  regenerate: async (context) => (await import("./regenerate.ts")).regenerateTask(context),
  "prune-test": pruneTestTask,
  "store-dump": async (context) => (await import("./store-dump.ts")).storeDumpTask(context),
  "store-export": async (context) => (await import("./store-export.ts")).storeExportTask(context),
  "store-sync": async (context) => (await import("./store-sync.ts")).storeSyncTask(context),
  "store-verify": async (context) => (await import("./store-verify.ts")).storeVerifyTask(context),
  "store-import": async (context) => (await import("./store-import.ts")).storeImportTask(context),
  "store-cutover": async (context) => (await import("./store-cutover.ts")).storeCutoverTask(context),
};

const CLOSINGS: TaskClosings = {
  "store-export": async (context) => (await import("./store-export.ts")).closeStoreExport(context),
  "store-cutover": async (context) => (await import("./store-cutover.ts")).closeStoreCutover(context),
};

export const handler = invoked(async ({ task, error }: TaskEvent): Promise<Json> => {
  about({ task });
  await openTraces();
  const ledger = await openLedger(`${task} task`);
  try {
    const outcome = await (error === null
      ? attemptTask(ledger, task, WORKS, lifetime())
      : closeTask(ledger, task, error, CLOSINGS));
    // The ledger has all of it; the machine, which only ends with it, need not.
    return await carriedOutcome(artifacts(), `tasks/${task}/`, outcome);
  } finally {
    await ledger.close();
  }
});
