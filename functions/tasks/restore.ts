/**
 * Restore: a backup becomes a database. It is made and proved under a name of its own, and only then given the name that
 * was asked for: nobody ever sees half of it, and what it replaces is kept.
 */
import { toErrorRecord } from "../../core/errors.ts";
import { databaseName } from "../../core/names.ts";
import { markBackup, readBackup, tellOfBackup } from "../../io/ledger/backups.ts";
import { addTaskFacts } from "../../io/ledger/tasks.ts";
import {
  carryDatabaseProperties,
  createDatabase,
  dropScratch,
  findDatabase,
} from "../../io/postgres/databases.ts";
import { isDamage, readManifest, refuseUnusable } from "../backups.ts";
import { endSessionsOfOlder } from "../older-attempts.ts";
import { type Made, prepareReplacement, putInPlace, refuseTaken } from "../replacement.ts";
import { fillCopy, refuseDifferentCopy } from "../restored-copy.ts";
import { openEnvironment, sessionsOf, type TaskWork } from "../task.ts";

export const restoreTask: TaskWork<"restore"> = async (context) => {
  const { task, attempt, ledger, store, application } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  const over = "over" in task.input;
  const name = task.environment ?? "";
  const { environment, address, openMaintenance } = await openEnvironment(ledger, name, application);
  const wanted = "to" in task.input ? task.input.to : address.database;
  const maintenance = await openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
    let made: Made | undefined = task.facts.made;
    if (made === undefined || (await findDatabase(maintenance, { oid: made.oid })) === undefined) {
      refuseUnusable(backup);
      if (!over) await refuseTaken(maintenance, wanted);
      await dropScratch(maintenance, task.id, []);
      const manifest = await readManifest(store, backup);
      const scratch = databaseName(wanted, "scratch", `${task.id}_${attempt.attempt}`);
      const oid = await context.asNewest(() => createDatabase(maintenance, scratch, manifest.database));
      context.passed("created");
      const copy = {
        target: { ...address, database: scratch },
        application,
        store,
        manifest,
        connections: environment.policy.connections,
        onProgress: context.progress,
      };
      try {
        made = { oid, name: scratch, seconds: await fillCopy(copy) };
        await refuseDifferentCopy(copy);
      } catch (error) {
        if (isDamage(error))
          await context.asNewest(() =>
            markBackup(ledger, backup.id, "refused", { error: toErrorRecord(error) }),
          );
        throw error;
      }
      const replaces = over ? await findDatabase(maintenance, { name: wanted }) : undefined;
      if (replaces !== undefined) {
        await carryDatabaseProperties(maintenance, replaces.oid, scratch);
        made.replaces = replaces.oid;
      }
      const facts = made;
      await context.asNewest(() => addTaskFacts(ledger, task.id, { made: facts }));
      context.passed("restored");
    }
    const becomes = over
      ? await prepareReplacement(context, environment, address, maintenance, made)
      : undefined;
    const replaced = await putInPlace(context, maintenance, made, wanted, becomes);
    context.passed("renamed");
    const restoreSeconds = made.seconds;
    return {
      outcome: { backup: backup.id, database: wanted, replaced, restoreSeconds },
      also: async (ledger) => {
        await markBackup(ledger, backup.id, "verified", { by: "restore", restoreSeconds });
        await becomes?.record(ledger);
        await tellOfBackup(ledger, "restored", backup, {
          task: task.id,
          database: wanted,
          over: over ? name : null,
          replaced,
          by: task.requestedBy,
        });
      },
    };
  } finally {
    await maintenance.close();
  }
};
