/** Sweep: by the clock, what dead attempts have left in the bucket and on the servers is removed, and told in the log. */
import { openLedger } from "../../io/ledger/connection.ts";
import { removeEndedCounters } from "../../io/ledger/limits.ts";
import { artifacts } from "../clients.ts";
import { type Swept, sweep } from "../sweep.ts";

/** Returns what was removed. */
export async function handler(): Promise<Swept> {
  const ledger = await openLedger("sweep");
  try {
    await removeEndedCounters(ledger);
    return await sweep(ledger, artifacts());
  } finally {
    await ledger.close();
  }
}
