/** Where Step Functions and a task's row disagree, the ledger wins: what never started is started, what died is closed. */
import { listUnendedTasks, type Task } from "../io/ledger/tasks.ts";
import type { Session } from "../io/postgres/session.ts";
import { executionArn } from "../io/step-functions.ts";
import { functions, requiredVariable, stepFunctions } from "./clients.ts";
import { taskMachine } from "./machines.ts";
import { startExecution } from "./task-start.ts";

/** Mends each task that has not ended; returns what was done, by its id, and adds to `failures` what could not be. */
export async function reconcileTasks(ledger: Session, failures: unknown[]): Promise<Record<string, string>> {
  const actions: Record<string, string> = {};
  for (const task of await listUnendedTasks(ledger)) {
    try {
      const action = await mend(task);
      if (action !== undefined) actions[task.id] = action;
    } catch (error) {
      // One that cannot be mended must not keep the others from it.
      failures.push(error);
    }
  }
  return actions;
}

async function mend(task: Task): Promise<string | undefined> {
  const { id } = task;
  const execution = await stepFunctions.describeExecution(executionArn(taskMachine(task), id));
  if (execution === undefined) {
    await startExecution(task);
    return "started";
  }
  if (execution.status === "RUNNING" || execution.status === "PENDING_REDRIVE") return undefined;
  // By the function of tasks: what an attempt has left on a server is removed by its credentials, and this one has none.
  await functions.ask(requiredVariable("REHEARSAL_TASK_FUNCTION"), {
    task: id,
    error: { Error: `its execution is ${execution.status}`, Cause: execution.error ?? "" },
  });
  return "closed";
}
