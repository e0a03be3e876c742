/** Audit: by the clock the promotion log is proved, and what nobody reports by itself is looked at: how old the proofs of backups are, and what is held. */
import { openLedger } from "../../io/ledger/connection.ts";
import { artifacts } from "../clients.ts";
import { type LogProof, proveLog } from "../log-proof.ts";

/** Returns what of the log holds. */
export async function handler(): Promise<LogProof> {
  const ledger = await openLedger("audit");
  try {
    return await proveLog(ledger, artifacts());
  } finally {
    await ledger.close();
  }
}
