/**
 * A store is abandoned: it is let go of, whatever it holds, and the database that it took the place of counts again, as it was when it
 * was cut off. For one whose place is lost; of one that may still be read, only where it is named.
 */
import { RehearsalError, toErrorRecord } from "../core/errors.ts";
import { describePlace } from "../core/stores.ts";
import { isTaskEnded } from "../core/tasks.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { readStore, updateStore } from "../io/ledger/stores.ts";
import { beginTask, endTask, readTask } from "../io/ledger/tasks.ts";
import { findDatabase } from "../io/postgres/databases.ts";
import { type JsonStore, openJsonStore } from "../io/store/json-store.ts";
import { letIn } from "./let-in.ts";
import { endSessionsOfOlder } from "./older-attempts.ts";
import {
  away,
  type Cutover,
  callStop,
  noteAway,
  type Production,
  productionOf,
  shut,
  startServices,
} from "./store-cutover.ts";
import { refusePhase } from "./store-start.ts";
import { assertOwn, openStorePlace } from "./store-work.ts";
import { sessionsOf, type TaskResult } from "./task.ts";

/** The store, open as whoever follows; or why it cannot be. */
type Found = { store: JsonStore; rows: number } | { lost: RehearsalError };

/** Throws `StoreStillThere` for one that may still be read and was not named, and `StorePhaseUnfit`. */
export async function abandon(cutover: Cutover): Promise<TaskResult> {
  const { context, row, maintenance } = cutover;
  const named = context.task.input.abandon === "named";
  if (row.phase === "following" || row.phase === "verified") return letGo(cutover);
  return withFound(cutover, async (found) => {
    if (!named) refuseReadable(cutover, found);
    const production = await productionOf(cutover);
    const there = await findDatabase(maintenance, { oid: production.oid });
    if (there === undefined)
      throw new RehearsalError("NotFound", { what: "database", name: production.name });
    await claim(cutover, named);
    context.passed("claimed");
    await callStop(cutover, "json");
    context.passed("stopped");
    await context.asNewest(async () => {
      await noteAway(cutover);
      await close(found);
    });
    context.passed("store-closed");
    await context.asNewest(() => letIn(maintenance, production));
    context.passed("renamed");
    return settle(cutover, found);
  });
}

/** Ends what a task left that ended for good while it abandoned: a database that has its name again keeps it; any other is shut again, and its store counts. */
export async function closeAbandon(
  cutover: Cutover,
): Promise<Pick<TaskResult, "outcome" | "also"> | undefined> {
  const { context, row, maintenance } = cutover;
  const { production } = row.facts;
  if (row.task !== context.task.id || row.phase !== "going-back" || production === undefined)
    return undefined;
  const there = await findDatabase(maintenance, { oid: production.oid });
  return withFound(cutover, async (found) => {
    if (there?.name === production.name) {
      await context.asNewest(async () => {
        await close(found);
        await letIn(maintenance, production);
      });
      return settle(cutover, found);
    }
    await takeBack(cutover, production, found, there !== undefined);
    return undefined;
  });
}

/** One that does not count: the database does, and nothing is lost. */
function letGo({ context, row }: Cutover): TaskResult {
  const { id: task, requestedBy: by } = context.task;
  return {
    outcome: { ...outcomeOf(row), abandoned: true, lost: null },
    also: async (ledger) => {
      refusePhase(await readStore(ledger, row.id, "lock"), ["following", "verified"]);
      await updateStore(ledger, row.id, { phase: "given-up", task: null });
      await appendEvent(ledger, {
        type: "store.given-up",
        environment: row.environment,
        data: { store: row.id, phase: row.phase, by, task },
      });
    },
  };
}

async function withFound<T>(
  { row, reached, definition }: Cutover,
  work: (found: Found) => Promise<T>,
): Promise<T> {
  let store: JsonStore | undefined;
  try {
    let found: Found;
    try {
      const place = await openStorePlace(reached.environment, row);
      store = await openJsonStore({ place, definition, as: "follower" });
      const { models, notes } = await store.head();
      assertOwn(row, notes);
      found = { store, rows: Object.values(models).reduce((sum, { rows }) => sum + rows, 0) };
    } catch (error) {
      if (!(error instanceof RehearsalError)) throw error;
      found = { lost: error };
    }
    return await work(found);
  } finally {
    await store?.close();
  }
}

/** Only a place without a store is one whose store is gone: another that cannot be read may be there again in an hour. */
function refuseReadable({ row }: Cutover, found: Found): void {
  if ("lost" in found && found.lost.code === "StoreMissing") return;
  throw new RehearsalError("StoreStillThere", {
    ...{ environment: row.environment, store: row.id, place: describePlace(row.place) },
    reason: "lost" in found ? found.lost.message : `it holds ${found.rows} rows and can be read`,
  });
}

/** From here on nobody else changes what counts; a task that is stuck on its way gives way to one that names the store. */
async function claim({ context, row, maintenance }: Cutover, named: boolean): Promise<void> {
  const { ledger, task, asNewest } = context;
  const overtaken = await asNewest(async () => {
    const now = await readStore(ledger, row.id, "lock");
    if (now.phase === "going-back" && now.task === task.id) return undefined;
    const stuck = named && now.task !== null && (now.phase === "going-back" || now.phase === "cutting-over");
    refusePhase(now, stuck ? [now.phase] : ["cut-over"]);
    await updateStore(ledger, row.id, { phase: "going-back", task: task.id });
    if (!stuck || now.task === null || isTaskEnded((await readTask(ledger, now.task)).status))
      return undefined;
    // Whatever its functions are still at, they are stale from here on.
    const { task: other, attempt } = await beginTask(ledger, now.task);
    const error = new RehearsalError("StoreAbandoned", { store: row.id, task: task.id });
    await endTask(ledger, now.task, { error: toErrorRecord(error) });
    return { other, attempts: (attempt?.attempt ?? other.attempt) + 1 };
  });
  if (overtaken !== undefined)
    await endSessionsOfOlder(maintenance, sessionsOf(overtaken.other), overtaken.attempts);
}

/** Nobody writes to it any more, where it can be told so. */
async function close(found: Found): Promise<void> {
  if (!("store" in found)) return;
  const { state } = await found.store.head();
  if (state !== "closed") await found.store.setState(state, "closed");
}

async function takeBack(
  cutover: Cutover,
  production: Production,
  found: Found,
  there: boolean,
): Promise<void> {
  const { context, row, maintenance } = cutover;
  await context.asNewest(async () => {
    if (there) await shut(maintenance, production);
    if ("store" in found) await found.store.setState((await found.store.head()).state, "canonical");
  });
  await startServices(cutover, "json");
  await context.asNewest(() => updateStore(context.ledger, row.id, { phase: "cut-over", task: null }));
}

async function settle(cutover: Cutover, found: Found): Promise<TaskResult> {
  const { context, row } = cutover;
  const notStarted = await startServices(cutover, "postgres");
  const since = (row.cutOverAt ?? row.verifiedAt)?.toISOString() ?? null;
  const told = {
    lost: `what was written to the store since ${since ?? "it began to count"}`,
    // Whoever still reaches it is not turned away.
    ...("lost" in found && { unreachable: found.lost.message }),
    ...(notStarted !== undefined && { notStarted: notStarted.message }),
  };
  return {
    outcome: { ...outcomeOf(row), abandoned: true, awayMs: await away(context), ...told },
    also: async (ledger) => {
      await updateStore(ledger, row.id, { phase: "given-up", task: null });
      const { id: task, requestedBy: by } = context.task;
      const { id: store, place, release, environment } = row;
      await appendEvent(ledger, {
        ...{ type: "store.abandoned", environment, announce: true },
        data: { store, place: describePlace(place), release, task, by, since, ...told },
      });
    },
  };
}

function outcomeOf({ id: store, environment, place }: Cutover["row"]) {
  return { store, environment, place: describePlace(place), cutOver: false, back: true };
}
