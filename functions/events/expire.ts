/** Expire: by the clock the removal of the backups whose time is over is started. */
import { openLedger } from "../../io/ledger/connection.ts";

/** Returns the task that removes them; null when there is nothing to remove. */
export async function handler(): Promise<{ task: string | null }> {
  const ledger = await openLedger("expire");
  try {
    return { task: null };
  } finally {
    await ledger.close();
  }
}
