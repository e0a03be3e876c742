/**
 * Expire: by the clock the removal of what has had its time is started: of the backups that may go, and of what was made of
 * some to be fetched.
 */
import { openLedger } from "../../io/ledger/connection.ts";
import { listStaleExports, listUnendedTasks } from "../../io/ledger/tasks.ts";
import type { Session } from "../../io/postgres/session.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { judge } from "../expiry.ts";
import { EXPORT_SECONDS } from "../exports.ts";
import { startExpiry } from "../task-start.ts";

/** Returns the task that removes it; null when there is nothing to remove, or another is at it. */
export const handler = invoked(async (): Promise<{ task: string | null }> => {
  const ledger = await openLedger("expire");
  try {
    if (!(await somethingMayGo(ledger))) return { task: null };
    const { task } = await startExpiry(ledger, { environment: null }, { person: "schedule", key: undefined });
    log.info("expiry started", { task: task.id });
    return { task: task.id };
  } finally {
    await ledger.close();
  }
});

async function somethingMayGo(ledger: Session): Promise<boolean> {
  if ((await listUnendedTasks(ledger)).some(({ kind }) => kind === "expire")) return false;
  if ((await listStaleExports(ledger, EXPORT_SECONDS)).length > 0) return true;
  return (await judge(ledger, null)).some(({ because }) => because === null);
}
