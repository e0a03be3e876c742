/**
 * Drift: by the clock environments' databases are held against what was promised of them, as their policies want it; the one
 * that was looked at longest ago comes first. What is found and was not known is announced.
 */
import { RehearsalError } from "../../core/errors.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { listDriftDue } from "../../io/ledger/drift-checks.ts";
import { noteRound } from "../../io/ledger/rounds.ts";
import type { Session } from "../../io/postgres/session.ts";
import { alongside } from "../../io/telemetry/about.ts";
import { invoked, timeLeft } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { measure } from "../../io/telemetry/measure.ts";
import { artifacts } from "../clients.ts";
import { checkDrift } from "../drift-check.ts";

/** Milliseconds that must be left for another look: one that takes longer is ended by the server. */
const RESERVE = 60_000;

/** Tells of each environment that was looked at in how many places it departs; `null` where nothing could be seen. */
export const handler = invoked(async () => {
  const ledger = await openLedger("drift");
  try {
    const looked: Record<string, number | null> = {};
    const failures: unknown[] = [];
    const mayGoOn = () => timeLeft() > RESERVE;
    for (const environment of await listDriftDue(ledger)) {
      if (!mayGoOn()) break;
      // Noted first: one at which this function dies must not be the first again.
      await noteRound(ledger, `drift ${environment}`);
      try {
        looked[environment] = await alongside({ environment }, () => look(ledger, environment));
      } catch (error) {
        // One that nobody foresaw must not keep the others from being looked at.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return { looked };
  } finally {
    await ledger.close();
  }
});

/** A database that is away, or too busy, is looked at the next time; that it was not seen is counted. */
async function look(ledger: Session, environment: string): Promise<number | null> {
  try {
    const { count } = await checkDrift(ledger, artifacts(), environment, "schedule");
    log.info("looked for drift", { count });
    return count;
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code === "Internal") throw error;
    log.warn("could not look for drift", { code: error.code, reason: error.message });
    await measure({ name: "DriftUnseen", value: 1, by: { environment } });
    return null;
  }
}
