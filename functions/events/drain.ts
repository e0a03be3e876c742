/**
 * Drain: by the clock what was told of archived records and not taken up is; what triggers have told in databases is fetched; what
 * came too early, or was left, is swept up; and prunes that left records half done go on with those.
 */
import { RehearsalError } from "../../core/errors.ts";
import { listToldEnvironments } from "../../io/ledger/archive-events.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { listEnvironments } from "../../io/ledger/environments.ts";
import { listHalfDone } from "../../io/ledger/prunes.ts";
import type { Session } from "../../io/postgres/session.ts";
import { alongside } from "../../io/telemetry/about.ts";
import { invoked, timeLeft } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { takeUp } from "../archived.ts";
import { artifacts } from "../clients.ts";
import { postponed } from "../prune/turn.ts";
import { resume } from "../prune-start.ts";
import { startSweeps } from "../prune-sweep.ts";
import { listPolicies } from "../retention-policies.ts";

/** Milliseconds that must be left to look at another environment. */
const RESERVE = 60_000;

/** Seconds that a prune is left alone before it goes on by itself: what was in its way may have passed by then. */
const REST = 600;

/** Tells which prunes began or went on. */
export const handler = invoked(async (): Promise<{ prunes: string[] }> => {
  const ledger = await openLedger("drain");
  try {
    const prunes: string[] = [];
    const failures: unknown[] = [];
    const environments = await listEnvironments(ledger);
    const told = await listToldEnvironments(ledger);
    for (const name of new Set([...told, ...environments.map((each) => each.name)])) {
      if (timeLeft() < RESERVE) break;
      try {
        prunes.push(...(await alongside({ environment: name }, () => drain(ledger, name))));
      } catch (error) {
        // One that nobody foresaw must not keep the others from being looked at.
        failures.push(error);
      }
    }
    for (const { id } of await listHalfDone(ledger, REST)) {
      await resume(ledger, id);
      prunes.push(id);
    }
    if (failures.length > 0) throw failures[0];
    return { prunes };
  } finally {
    await ledger.close();
  }
});

/** A database that is away, or is being promoted, is looked at the next time. */
async function drain(ledger: Session, name: string): Promise<string[]> {
  try {
    const environment = (await listEnvironments(ledger)).find((each) => each.name === name);
    const known = environment === undefined ? [] : await listPolicies(ledger, artifacts(), environment);
    return await postponed(async () => {
      const begun = await takeUp(ledger, name);
      return environment === undefined
        ? begun
        : [...begun, ...(await startSweeps(ledger, environment, known))];
    }, []);
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code === "Internal") throw error;
    log.warn("could not look for archived records", { code: error.code, reason: error.message });
    return [];
  }
}
