/** Where a task replays: beside its environment's database, after what older attempts of it have left is gone. */
import { dropScratch } from "../io/postgres/databases.ts";
import { endSessionsOfOlder } from "./older-attempts.ts";
import type { ReplayPlace } from "./replay.ts";
import { openCopies, sessionsOf, type TaskRun } from "./task.ts";

/** Runs work that replays for a task, as often as it likes. */
export async function whereTaskReplays<T>(
  { task, attempt, ledger, application }: TaskRun & { task: { environment: string | null } },
  work: (place: ReplayPlace) => Promise<T>,
): Promise<T> {
  const { environment, address, openMaintenance } = await openCopies(
    ledger,
    task.environment ?? "",
    application,
  );
  const maintenance = await openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
    await dropScratch(maintenance, task.id, []);
    const { policy } = environment;
    return await work({ address, maintenance, application, owner: task.id, policy });
  } finally {
    await maintenance.close();
  }
}
