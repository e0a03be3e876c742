/** Store-cutover: what counts of an environment is its store in its database's place, or the database again; also without what the store holds. */
import { readStore } from "../../io/ledger/stores.ts";
import { abandon, closeAbandon } from "../store-abandon.ts";
import { type Cutover, closeCutover, cutOver, goBack } from "../store-cutover.ts";
import { definitionOf, readDefinition } from "../store-definition.ts";
import { reachEnvironment } from "../store-work.ts";
import type { TaskClosing, TaskContext, TaskWork } from "../task.ts";

export const storeCutoverTask: TaskWork<"store-cutover"> = (context) =>
  withCutover(context, async (cutover) => {
    if (context.task.input.abandon !== undefined) return abandon(cutover);
    // A release with other models has come since: what was exported is not what its application reads.
    await definitionOf(context.store, cutover.reached.environment, cutover.row);
    return context.task.input.back ? goBack(cutover) : cutOver(cutover);
  });

export const closeStoreCutover: TaskClosing<"store-cutover"> = (context) =>
  withCutover(context, (cutover) =>
    context.task.input.abandon === undefined ? closeCutover(cutover) : closeAbandon(cutover),
  );

/** Runs the work on the store that it is about, with a session from which the database is renamed. */
async function withCutover<T>(
  context: TaskContext<"store-cutover">,
  work: (cutover: Cutover) => Promise<T>,
): Promise<T> {
  const row = await readStore(context.ledger, context.task.input.store);
  const reached = await reachEnvironment(context, { behindFence: true });
  const definition = await readDefinition(context.store, row.environment, row.release);
  const maintenance = await reached.openMaintenance();
  try {
    return await work({ context, row, reached, definition, maintenance });
  } finally {
    await maintenance.close();
  }
}
