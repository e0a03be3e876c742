/**
 * What counts of an environment changes places: its store for its database, and back. Writers are turned away by the fence of
 * promotions, a new name for the database, and each way has one moment after which it goes on and before which it goes back: the
 * store's own head says `canonical`, or the database has its own name again. Every part finds out from these what is left to do.
 * Long because both ways and what takes each of them back stand together.
 */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import type { StoreDefinition } from "../core/store/definition.ts";
import type { StoreVerification } from "../core/store/verification.ts";
import { describePlace, describeProblem } from "../core/stores.ts";
import { callHook } from "../io/hooks.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { overtakeRehearsals } from "../io/ledger/rehearsals.ts";
import { readStore, type StoreRow, updateStore } from "../io/ledger/stores.ts";
import { addTaskFacts, type KeptFile, readTask, type TaskFacts } from "../io/ledger/tasks.ts";
import { closeDatabase, findDatabase, moveDatabase } from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import type { Head } from "../io/store/head.ts";
import type { JsonStore } from "../io/store/json-store.ts";
import { importStore } from "../io/store/move/import.ts";
import { assertReplaceable } from "../io/store/move/target.ts";
import { refuseLocked } from "./fenced.ts";
import { letIn } from "./let-in.ts";
import { assertMeant } from "./meant-database.ts";
import { refusePhase } from "./store-start.ts";
import {
  amountOf,
  bringUp,
  compareStore,
  feedOf,
  ledgerNow,
  refuseDrift,
  withStoreOf,
} from "./store-work.ts";
import type { TaskContext, TaskEnvironment, TaskResult } from "./task.ts";
import { putTaskFile } from "./task-files.ts";

type Context = TaskContext<"store-cutover">;

export interface Cutover {
  context: Context;
  row: StoreRow;
  reached: TaskEnvironment;
  definition: StoreDefinition;
  maintenance: Session;
}

export type Production = NonNullable<StoreRow["facts"]["production"]>;
type Refused = NonNullable<TaskFacts["refused"]>;

/** So many differences stand in the outcome; all that are listed stand in the file. */
const TOLD = 10;

/** The store takes the database's place: brought up, compared behind the fence, and only then declared. */
export async function cutOver(cutover: Cutover): Promise<TaskResult> {
  const { context, row, reached, definition } = cutover;
  const { environment, address } = reached;
  const production = await productionOf(cutover);
  if (context.task.facts.refused !== undefined)
    return settleRefused(cutover, production, context.task.facts.refused);
  return withStoreOf(environment, row, definition, async (store) => {
    const feed = feedOf(row);
    if (!isClaimed(cutover, "cutting-over")) {
      refusePhase(row, ["verified"]);
      await assertMeant(environment, address, context.application);
      await refuseDrift(context, environment.name);
      // Most of what is behind comes over while the services still work.
      await bringUp(context, { environment, address, store, feed });
      await assertTakesBack(cutover, address);
      context.passed("near");
      await claim(cutover, "cutting-over", { production });
    }
    if ((await store.head()).state !== "canonical") {
      context.passed("claimed");
      await callStop(cutover, "postgres");
      context.passed("stopped");
      await turnAway(cutover, production);
      context.passed("closed");
      const fenced = { ...address, database: fencedName(production, row) };
      await bringUp(context, { environment, address: fenced, store, feed });
      await assertTakesBack(cutover, fenced);
      context.passed("brought-up");
      const report = await compareStore(context, { environment, address: fenced, store, feed });
      const files = [await putTaskFile(context, "verification.json", `${JSON.stringify(report, null, 2)}\n`)];
      context.passed("compared");
      if (!report.verified) return refuse(cutover, production, report, files);
      await declare(cutover, store, report, files);
      context.passed("declared");
    }
    return settle(cutover, production, await amount(store), await startServices(cutover, "json"));
  });
}

/** The database takes its place again: with all that the store holds by then, in one transaction. */
export async function goBack(cutover: Cutover): Promise<TaskResult> {
  const { context, row, reached, definition, maintenance } = cutover;
  const { environment, address } = reached;
  const production = await productionOf(cutover);
  return withStoreOf(environment, row, definition, async (store) => {
    const found = await findDatabase(maintenance, { oid: production.oid });
    if (found === undefined)
      throw new RehearsalError("NotFound", { what: "database", name: fencedName(production, row) });
    if (!isClaimed(cutover, "going-back")) await claim(cutover, "going-back", {});
    // Renamed by hand it has not got what the store holds: only behind a store that was closed is its own name the moment.
    if (found.name !== production.name || (await store.head()).state !== "closed") {
      context.passed("claimed");
      await callStop(cutover, "json");
      context.passed("stopped");
      await context.asNewest(async () => {
        await noteAway(cutover);
        if ((await store.head()).state === "canonical") await store.setState("canonical", "closed");
      });
      context.passed("store-closed");
      const fenced = { ...address, database: fencedName(production, row) };
      await context.asNewest(() => moveDatabase(maintenance, production.oid, fenced.database));
      await assertMeant(environment, fenced, context.application);
      context.passed("opened");
      const held = await noteHeld(cutover, (await store.head()).models);
      await importStore({
        ...{
          address: fenced,
          application: context.application,
          definition,
          place: store.place,
          replace: true,
        },
        ...(!context.task.input.overwrite && { held }),
        patienceSeconds: environment.policy.patience,
        onProgress: context.progress,
        passed: (point) => context.passed(`import-${point}`),
        commit: (commit) => context.asNewest(commit),
      });
      context.passed("imported");
    }
    // Also where it has its name: whoever gave it that may have died before it took sessions.
    await context.asNewest(() => letIn(maintenance, production));
    context.passed("renamed");
    return settleReturn(cutover, await amount(store), await startServices(cutover, "postgres"));
  });
}

/**
 * Ends what a task left that ended for good amid the cutover: what went past its moment is brought to its end, and its outcome
 * returned; anything else is taken back, and counts as it did before. Throws when that cannot be done now.
 */
export async function closeCutover(
  cutover: Cutover,
): Promise<Pick<TaskResult, "outcome" | "also"> | undefined> {
  const { context, row } = cutover;
  const { production } = row.facts;
  if (row.task !== context.task.id || production === undefined) return undefined;
  if (row.phase === "cutting-over") return closeForward(cutover, production);
  if (row.phase === "going-back") return closeBack(cutover, production);
  return undefined;
}

async function closeForward(cutover: Cutover, production: Production) {
  const { context, row, reached, definition } = cutover;
  const { refused } = context.task.facts;
  if (refused !== undefined) return settleRefused(cutover, production, refused);
  // Without that word no attempt has come to it, and the place of the files need not even be there.
  if (context.task.facts.declaring) {
    const amounts = await withStoreOf(reached.environment, row, definition, async (store) => {
      if ((await store.head()).state === "canonical") return amount(store);
      // Another head than the one that an attempt which is held up may still want to exchange: it does not come late.
      await store.setState("following", "following");
      return undefined;
    });
    if (amounts !== undefined)
      return settle(cutover, production, amounts, await startServices(cutover, "json"));
  }
  await letBack(cutover, production);
  await context.asNewest(() => updateStore(context.ledger, row.id, { phase: "following", task: null }));
  return undefined;
}

async function closeBack(cutover: Cutover, production: Production) {
  const { row, reached, definition, maintenance } = cutover;
  const { environment } = reached;
  const found = await findDatabase(maintenance, { oid: production.oid });
  return withStoreOf(environment, row, definition, async (store) => {
    const { state } = await store.head();
    const { asNewest, ledger } = cutover.context;
    if (found?.name === production.name && state === "closed") {
      await asNewest(() => letIn(maintenance, production));
      return settleReturn(cutover, await amount(store), await startServices(cutover, "postgres"));
    }
    await asNewest(async () => {
      if (found !== undefined) await shut(maintenance, production);
      // Also of one that counts, for the same reason as on the way out.
      await store.setState(state, "canonical");
    });
    await startServices(cutover, "json");
    await asNewest(() => updateStore(ledger, row.id, { phase: "cut-over", task: null }));
    return undefined;
  });
}

/** Whether an earlier attempt of this very task has it in hand: of two that were asked for at once only one goes on. */
function isClaimed({ context, row }: Cutover, phase: "cutting-over" | "going-back"): boolean {
  return row.phase === phase && row.task === context.task.id;
}

/** From here on no promotion of the environment begins, and nobody else changes what counts. Throws `EnvironmentLocked` and `StorePhaseUnfit`. */
async function claim(
  { context, row, reached, maintenance }: Cutover,
  phase: "cutting-over" | "going-back",
  facts: StoreRow["facts"],
): Promise<void> {
  const { ledger, task, asNewest } = context;
  const { name } = reached.environment;
  await asNewest(async () => {
    await overtakeRehearsals(ledger, name, task.id);
    if (phase === "cutting-over") await refuseLocked(ledger, name);
    refusePhase(await readStore(ledger, row.id, "lock"), [
      phase === "cutting-over" ? "verified" : "cut-over",
    ]);
    if (facts.production !== undefined) await assertInPlace(maintenance, name, facts.production);
    await updateStore(ledger, row.id, { phase, task: task.id, facts });
  });
}

/** A restore may have taken its place since it was found; from here on none can. Throws `DatabaseReplaced`. */
async function assertInPlace(
  maintenance: Session,
  environment: string,
  { oid, name }: Production,
): Promise<void> {
  if ((await findDatabase(maintenance, { oid }))?.name === name) return;
  throw new RehearsalError("DatabaseReplaced", { database: name, environment });
}

/** What could not be brought back is not let go of. Throws `StoreTargetReferenced`. */
async function assertTakesBack(
  { context, reached, definition }: Cutover,
  address: DatabaseAddress,
): Promise<void> {
  const session = await openSession(address, {
    application: context.application,
    patienceSeconds: reached.environment.policy.patience,
  });
  try {
    await assertReplaceable(session, definition);
  } finally {
    await session.close();
  }
}

/** Under another name nobody finds it, however often they ask; ours do, by its object identifier. */
async function turnAway(cutover: Cutover, production: Production): Promise<void> {
  const { context, maintenance, row } = cutover;
  await context.asNewest(async () => {
    await noteAway(cutover);
    await moveDatabase(maintenance, production.oid, fencedName(production, row));
  });
}

/** What the closed database may hold from here on: whatever it may hold now, or what is about to come into it. */
async function noteHeld({ context, row }: Cutover, models: Head["models"]): Promise<StoreHeld> {
  const { held: before } = row.facts;
  // Of one that was cut off before this was kept nothing is known.
  if (before === undefined) return [];
  const known = canonicalJson(models as unknown as Json);
  if (before.some((one) => canonicalJson(one as unknown as Json) === known)) return before;
  const held = [...before, models];
  await context.asNewest(() => updateStore(context.ledger, row.id, { facts: { held } }));
  return held;
}

type StoreHeld = NonNullable<StoreRow["facts"]["held"]>;

/** When writers were turned away first, whichever attempt it was. */
export async function noteAway({ context }: Cutover): Promise<void> {
  const { ledger, task } = context;
  if ((await readTask(ledger, task.id)).facts.closedAt !== undefined) return;
  await addTaskFacts(ledger, task.id, { closedAt: await ledgerNow(ledger) });
}

/**
 * The moment: what counts is the store. A dual writer that the fence has cut off may have come with its last word since the
 * comparison, and it is not let in behind it: then the comparison is not of what would be declared, and another attempt makes it
 * anew.
 */
async function declare(
  { context, row }: Cutover,
  store: JsonStore,
  report: StoreVerification,
  files: KeptFile[],
): Promise<void> {
  const { ledger, task } = context;
  const { notes, seq } = await store.head();
  const changed = () => new RehearsalError("StoreBusy", { tries: 1 });
  if (seq !== report.store.seq) throw changed();
  const held = Object.entries(report.models).flatMap(([name, { database }]) =>
    database === null ? [] : [[name, database] as const],
  );
  await context.asNewest(async () => {
    await addTaskFacts(ledger, task.id, { declaring: files });
    await updateStore(ledger, row.id, { facts: { held: [Object.fromEntries(held)] } });
  });
  context.passed("declaring");
  await context.asNewest(() =>
    store.setState("following", "canonical", (now) => {
      if (JSON.stringify(now) !== JSON.stringify(notes)) throw changed();
      return now;
    }),
  );
}

/** What differs keeps the store from counting: the database is let back in at once, and what was found is left to read. */
async function refuse(
  cutover: Cutover,
  production: Production,
  report: StoreVerification,
  files: KeptFile[],
): Promise<TaskResult> {
  const { context, row } = cutover;
  const refusal = new RehearsalError("StoreDiffers", {
    store: row.id,
    differences: report.problems.slice(0, 3).map(describeProblem).join("; "),
    task: context.task.id,
  });
  const refused: Refused = {
    refusal: toErrorRecord(refusal),
    ...amountOf(report),
    differences: report.found,
    told: report.problems.slice(0, TOLD).map(describeProblem),
    files,
  };
  // Whoever goes on from here neither compares again nor takes it for a store that was never verified.
  await context.asNewest(() => addTaskFacts(context.ledger, context.task.id, { refused }));
  context.passed("refused");
  return settleRefused(cutover, production, refused);
}

async function settleRefused(
  cutover: Cutover,
  production: Production,
  { refusal, models, rows, differences, told, files }: Refused,
): Promise<TaskResult> {
  const { context, row, reached } = cutover;
  const notStarted = await letBack(cutover, production);
  return {
    outcome: {
      ...outcomeOf(cutover, { models, rows }),
      ...{ cutOver: false, refusal: refusal as unknown as Json, files: files as unknown as Json },
      ...{ differences, told },
      ...(notStarted !== undefined && { notStarted: notStarted.message }),
    },
    also: async (ledger) => {
      const facts = { verification: { task: context.task.id, differences } };
      await updateStore(ledger, row.id, { phase: "following", task: null, facts });
      await appendEvent(ledger, {
        ...{ type: "store.cutover-refused", environment: reached.environment.name, announce: true },
        data: { store: row.id, task: context.task.id, code: refusal.code, message: refusal.message },
      });
    },
  };
}

/** The database has its name again, and the services their database. Tells why they were not started. */
async function letBack(cutover: Cutover, production: Production): Promise<ErrorRecord | undefined> {
  const { context, maintenance } = cutover;
  await context.asNewest(() => letIn(maintenance, production));
  context.passed("let-back");
  return startServices(cutover, "postgres");
}

/** What is left once the store counts: its database is shut for whoever knows its name, and the ledger is told. */
async function settle(
  cutover: Cutover,
  production: Production,
  amounts: Amount,
  notStarted: ErrorRecord | undefined,
): Promise<TaskResult> {
  const { context, row, reached, maintenance } = cutover;
  await context.asNewest(() => shut(maintenance, production));
  context.passed("shut");
  const task = await readTask(context.ledger, context.task.id);
  const awayMs = await away(context);
  return {
    outcome: {
      ...outcomeOf(cutover, amounts),
      ...{ cutOver: true, awayMs, database: fencedName(production, row) },
      files: (task.facts.declaring ?? []) as unknown as Json,
      ...(notStarted !== undefined && { notStarted: notStarted.message }),
    },
    also: async (ledger) => {
      await updateStore(ledger, row.id, { phase: "cut-over", task: null, facts: { rows: amounts.rows } });
      await tell(ledger, "store.cut-over", reached.environment, { ...amounts, awayMs }, cutover, notStarted);
    },
  };
}

async function settleReturn(
  cutover: Cutover,
  amounts: Amount,
  notStarted: ErrorRecord | undefined,
): Promise<TaskResult> {
  const { context, row, reached } = cutover;
  const awayMs = await away(context);
  return {
    outcome: {
      ...outcomeOf(cutover, amounts),
      ...{ cutOver: false, returned: true, awayMs },
      ...(notStarted !== undefined && { notStarted: notStarted.message }),
    },
    also: async (ledger) => {
      await updateStore(ledger, row.id, { phase: "returned", task: null, facts: { rows: amounts.rows } });
      await tell(ledger, "store.returned", reached.environment, { ...amounts, awayMs }, cutover, notStarted);
    },
  };
}

async function tell(
  ledger: Session,
  type: string,
  { name: environment }: Environment,
  told: Record<string, number>,
  { context, row }: Cutover,
  notStarted: ErrorRecord | undefined,
): Promise<void> {
  const { id: task, requestedBy: by } = context.task;
  const place = describePlace(row.place);
  await appendEvent(ledger, {
    ...{ type, environment, announce: true },
    data: {
      ...{ store: row.id, place, release: row.release, task, by, ...told },
      ...(notStarted !== undefined && { notStarted: notStarted.message }),
    },
  });
}

type Amount = { models: number; rows: number };

/** By the store's own head. */
async function amount(store: JsonStore): Promise<Amount> {
  const all = Object.values((await store.head()).models);
  return { models: all.length, rows: all.reduce((sum, { rows }) => sum + rows, 0) };
}

function outcomeOf({ context, row, reached }: Cutover, amounts: Amount) {
  const { name: environment } = reached.environment;
  return {
    ...{ store: row.id, environment, place: describePlace(row.place) },
    ...{ ...amounts, back: context.task.input.back },
  };
}

/** Milliseconds since writers were turned away; 0 where they never were. */
export async function away({ ledger, task }: Context): Promise<number> {
  const { closedAt } = (await readTask(ledger, task.id)).facts;
  return closedAt === undefined ? 0 : Date.parse(await ledgerNow(ledger)) - Date.parse(closedAt);
}

/** Nobody is let in any more, whoever knows the name. */
export async function shut(maintenance: Session, production: Production): Promise<void> {
  await closeDatabase(maintenance, production.oid);
}

/** The environment's database, by what is known of it, or by its name while it still has that. */
export async function productionOf({ row, reached, maintenance }: Cutover): Promise<Production> {
  if (row.facts.production !== undefined) return row.facts.production;
  const { database: name } = reached.address;
  const found = await findDatabase(maintenance, { name });
  if (found === undefined) throw new RehearsalError("NotFound", { what: "database", name });
  return { oid: found.oid, name };
}

function fencedName({ name }: Production, { id }: Pick<StoreRow, "id">): string {
  return databaseName(name, "fenced", id);
}

/** The services stop: `backend` is what counted until now. Throws `HookFailed`. */
export async function callStop({ row, reached }: Cutover, backend: "postgres" | "json"): Promise<void> {
  const { name: environment, policy } = reached.environment;
  await callHook("stop", policy.hooks.stop, { store: row.id, backend, environment, release: row.release });
}

/** When their hook fails what counts is right all the same, so it is told and nothing is taken back. */
export async function startServices(
  { row, reached }: Cutover,
  backend: "postgres" | "json",
): Promise<ErrorRecord | undefined> {
  const { name: environment, policy } = reached.environment;
  try {
    await callHook("start", policy.hooks.start, {
      store: row.id,
      backend,
      environment,
      release: row.release,
    });
    return undefined;
  } catch (error) {
    if (error instanceof RehearsalError) return toErrorRecord(error);
    throw error;
  }
}
