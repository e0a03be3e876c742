/** Drift: by the clock every environment's database is held against what was promised of it, the one looked at longest ago first. */
import { openLedger } from "../../io/ledger/connection.ts";
import { listEnvironments } from "../../io/ledger/environments.ts";
import { artifacts } from "../clients.ts";
import { checkDrift } from "../drift-check.ts";

/** Returns the number of differences, by environment. */
export async function handler(): Promise<{ looked: Record<string, number> }> {
  const ledger = await openLedger("drift");
  try {
    const looked: Record<string, number> = {};
    for (const { name } of await listEnvironments(ledger))
      looked[name] = (await checkDrift(ledger, artifacts(), name, "schedule")).count;
    return { looked };
  } finally {
    await ledger.close();
  }
}
