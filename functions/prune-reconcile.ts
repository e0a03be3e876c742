/** Where Step Functions and a prune's row disagree, the ledger wins: what never started is started, what died is closed. */
import { listUnendedPrunes, type Prune } from "../io/ledger/prunes.ts";
import type { Session } from "../io/postgres/session.ts";
import { executionArn } from "../io/step-functions.ts";
import { functions, requiredVariable, stepFunctions } from "./clients.ts";
import { pruneMachine } from "./machines.ts";
import { executionName, startExecution } from "./prune-start.ts";

/** Mends each prune that has not ended; returns what was done, by its id, and adds to `failures` what could not be. */
export async function reconcilePrunes(ledger: Session, failures: unknown[]): Promise<Record<string, string>> {
  const actions: Record<string, string> = {};
  for (const prune of await listUnendedPrunes(ledger)) {
    try {
      const action = await mend(ledger, prune);
      if (action !== undefined) actions[prune.id] = action;
    } catch (error) {
      // One that cannot be mended must not keep the others from it.
      failures.push(error);
    }
  }
  return actions;
}

async function mend(ledger: Session, prune: Prune): Promise<string | undefined> {
  const { id } = prune;
  const execution = await stepFunctions.describeExecution(executionArn(pruneMachine(), executionName(prune)));
  if (execution === undefined) {
    await startExecution(ledger, id);
    return "started";
  }
  if (execution.status === "RUNNING" || execution.status === "PENDING_REDRIVE") return undefined;
  // By the function of prunes, as its machine would have: what is half done the clock goes on with.
  await functions.ask(requiredVariable("REHEARSAL_PRUNE_FUNCTION"), {
    ...{ prune: id, state: "close" },
    error: { Error: `its execution is ${execution.status}`, Cause: execution.error ?? "" },
  });
  return "closed";
}
