/**
 * Restore: a backup becomes a database. It is made and proved under a name of its own, and only then given the name that
 * was asked for: nobody ever sees half of it, and what it replaces is kept.
 */
import { type BackupRow, readBackup } from "../../io/ledger/backup-rows.ts";
import { markBackup, tellOfBackup } from "../../io/ledger/backups.ts";
import { addTaskFacts } from "../../io/ledger/tasks.ts";
import { findDatabase } from "../../io/postgres/databases.ts";
import type { Session } from "../../io/postgres/session.ts";
import { refuseUnusable } from "../backups.ts";
import { type Made, prepareReplacement, putInPlace, refuseTaken } from "../replacement.ts";
import { openCopies, openEnvironment, type TaskContext, type TaskWork } from "../task.ts";
import { makeTaskCopy, refusingDamage, type TaskCopy } from "../task-copy.ts";

export const restoreTask: TaskWork<"restore"> = async (context) => {
  const { task, ledger, application } = context;
  const opened = await openEnvironment(ledger, task.environment ?? "", application);
  const wanted = "to" in task.input ? task.input.to : opened.address.database;
  const maintenance = await opened.openMaintenance();
  try {
    const made = (await findMade(context, maintenance)) ?? (await make(context, maintenance, wanted));
    const becomes =
      "over" in task.input ? await prepareReplacement(context, opened, maintenance, made) : undefined;
    const replaced = await putInPlace(context, maintenance, made, wanted, becomes);
    context.passed("renamed");
    const backup = await readBackup(ledger, task.backup ?? "");
    const { seconds: restoreSeconds, withoutTablespace, closed } = made;
    return {
      outcome: {
        ...{ backup: backup.id, database: wanted, replaced, restoreSeconds },
        ...{ withoutTablespace, closed },
      },
      also: async (ledger) => {
        await markBackup(ledger, backup.id, "verified", { by: "restore", restoreSeconds, task: task.id });
        await becomes?.record(ledger);
        await tellOfBackup(ledger, "restored", backup, {
          ...{ task: task.id, database: wanted, replaced, by: task.requestedBy },
          over: becomes?.environment ?? null,
        });
      },
    };
  } finally {
    await maintenance.close();
  }
};

/** What an earlier attempt has made and proved, if it is still there. */
async function findMade({ task }: TaskContext<"restore">, maintenance: Session): Promise<Made | undefined> {
  const { made } = task.facts;
  if (made === undefined) return undefined;
  return (await findDatabase(maintenance, { oid: made.oid })) && made;
}

async function make(context: TaskContext<"restore">, maintenance: Session, wanted: string): Promise<Made> {
  const { task, ledger } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  refuseUnusable(backup);
  const over = "over" in task.input;
  if (!over) await refuseTaken(ledger, maintenance, wanted);
  const { manifest: _, ...copy } = await refusingDamage(context, backup, () =>
    makeCopy(context, backup, wanted),
  );
  const replaces = over ? await findDatabase(maintenance, { name: wanted }) : undefined;
  const made: Made = { ...copy, ...(replaces !== undefined && { replaces: replaces.oid }) };
  await context.asNewest(() => addTaskFacts(ledger, task.id, { made, copying: null }));
  return made;
}

/** Only what takes the old database's place is done by production's own credentials. */
async function makeCopy(
  context: TaskContext<"restore">,
  backup: BackupRow,
  wanted: string,
): Promise<TaskCopy> {
  const copies = await openCopies(context.ledger, context.task.environment ?? "", context.application);
  const maintenance = await copies.openMaintenance();
  try {
    return await makeTaskCopy(context, backup, copies, maintenance, wanted, context.task.input.tablespaces);
  } finally {
    await maintenance.close();
  }
}
