/**
 * Audit: by the clock the promotion log is proved, in the ledger and by its copies in the bucket, and it is told how old the
 * proofs of backups are: what goes wrong there makes no noise of its own.
 */
import { openLedger } from "../../io/ledger/connection.ts";
import { verifiedBackupAges } from "../../io/ledger/watch.ts";
import { invoked, timeLeft } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { measure } from "../../io/telemetry/measure.ts";
import { artifacts } from "../clients.ts";
import { proveLedgerCopy } from "../ledger-proof.ts";
import { auditLog, type LogAudit } from "../log-audit.ts";

/** Milliseconds that must be left for another page of the log. */
const RESERVE = 60_000;

/** Returns what of the log holds. */
export const handler = invoked(async (): Promise<LogAudit> => {
  const ledger = await openLedger("audit");
  try {
    for (const { environment, seconds } of await verifiedBackupAges(ledger))
      await measure({ name: "VerifiedBackupAge", value: seconds, by: { environment } });
    const mayGoOn = () => timeLeft() > RESERVE;
    const audit = await auditLog(ledger, artifacts(), mayGoOn);
    const { broken } = audit;
    const copy = mayGoOn() ? await proveLedgerCopy(ledger, artifacts()) : undefined;
    const copyHolds = copy?.broken === undefined && !copy?.differences.length;
    await measure({ name: "LogChainBroken", value: broken === undefined && copyHolds ? 0 : 1 });
    if (!copyHolds) log.error("the ledger could not be rebuilt from its copy", { ...copy });
    if (broken === undefined) log.info("the log holds", { ...audit });
    else log.error("the log is broken", { ...broken });
    return audit;
  } finally {
    await ledger.close();
  }
});
