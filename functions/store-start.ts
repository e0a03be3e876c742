/** Starting what is done with an environment's store: each a task, refused early where it could not end well. */
import { RehearsalError } from "../core/errors.ts";
import { isStoreEnded, qualifiedFeed, type StorePhase, type StorePlace } from "../core/stores.ts";
import { isTaskEnded } from "../core/tasks.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { findLivingStore, insertStore, readStore, type StoreRow, updateStore } from "../io/ledger/stores.ts";
import { readTask } from "../io/ledger/tasks.ts";
import { newId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { artifacts } from "./clients.ts";
import { refuseFenced, refuseLocked } from "./fenced.ts";
import type { Asker } from "./keyed-start.ts";
import { refusePlace } from "./store-place.ts";
import { type Started, start } from "./task-start.ts";

/** Starts the count of what an environment's models hold. Throws `StoreUndeclared` and `EnvironmentFenced`. */
export async function startStoreDump(
  ledger: Session,
  request: { environment: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-dump", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    await refuseFenced(ledger, environment.name);
    const release = await declaringRelease(environment);
    return { kind: "store-dump", environment: environment.name, backup: null, input: { release } };
  });
}

/**
 * Starts the export of an environment into a new store. Throws `StoreUndeclared`, `StoreAlready`, `StorePlaceUnfit` and
 * `EnvironmentFenced`.
 */
export async function startStoreExport(
  ledger: Session,
  request: { environment: string; place: StorePlace; feed: string | null },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-export", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    const { place } = request;
    await refusePlace(environment, place);
    await refuseFenced(ledger, environment.name);
    const release = await declaringRelease(environment);
    const store = newId("store");
    const { storage } = environment.policy;
    const facts =
      "prefix" in place && storage ? { storage: { bucket: storage.bucket, root: storage.root } } : {};
    await insertStore(ledger, { id: store, environment: environment.name, release, place, facts });
    const feed = request.feed === null ? null : qualifiedFeed(request.feed);
    const input = { store, release, place, feed };
    return { kind: "store-export", environment: environment.name, backup: null, input };
  });
}

/** Starts bringing a store up, and following for so many seconds more. Throws `StoreNone`, `StorePhaseUnfit` and `EnvironmentFenced`. */
export async function startStoreSync(
  ledger: Session,
  request: { environment: string; seconds: number; forget: boolean },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-sync", ...request }, async () => {
    const { environment, store } = await storeOf(ledger, request.environment, ["following", "verified"]);
    await refuseFenced(ledger, environment);
    const input = { store: store.id, seconds: request.seconds, forget: request.forget };
    return { kind: "store-sync", environment, backup: null, input };
  });
}

/** Starts the comparison of a store with its database. Throws as `startStoreSync` does. */
export async function startStoreVerify(
  ledger: Session,
  request: { environment: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-verify", ...request }, async () => {
    const { environment, store } = await storeOf(ledger, request.environment, ["following", "verified"]);
    await refuseFenced(ledger, environment);
    return { kind: "store-verify", environment, backup: null, input: { store: store.id } };
  });
}

interface Confirmed {
  environment: string;
  /** The environment's name once more; needed where its role is prod. */
  confirm?: string;
}

/**
 * Starts the import of a store into an environment's database, whose tables have to be empty. Throws `StoreOverProd`,
 * `StoreUndeclared`, `StorePlaceUnfit` and `EnvironmentLocked`.
 */
export async function startStoreImport(
  ledger: Session,
  request: Confirmed & { place: StorePlace; of?: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-import", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    refuseUnconfirmed(environment, request, "an import writes rows into it");
    await refusePlace(environment, request.place);
    await refuseLocked(ledger, environment.name);
    const { place, of } = request;
    const input = {
      ...{ release: await declaringRelease(environment), place },
      ...(of !== undefined && { of }),
    };
    return { kind: "store-import", environment: environment.name, backup: null, input };
  });
}

/**
 * Starts the cutover: what counts is the store from then on, or with `back` the database again. Throws `StoreOverProd`,
 * `StoreNone`, `StorePhaseUnfit` and `EnvironmentLocked`.
 */
export async function startStoreCutover(
  ledger: Session,
  request: Confirmed & { back: boolean; overwrite?: boolean },
  who: Asker,
): Promise<Started> {
  const { back, overwrite = false } = request;
  return start(ledger, who, { kind: "store-cutover", ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    const what = back ? "its database takes the store's place again" : "its store takes the database's place";
    refuseUnconfirmed(environment, request, what);
    const { store } = await storeOf(ledger, environment.name, [back ? "cut-over" : "verified"], "lock");
    if (!back) await refuseLocked(ledger, environment.name);
    const input = { store: store.id, back, ...(overwrite && { overwrite }) };
    return { kind: "store-cutover", environment: environment.name, backup: null, input };
  });
}

/**
 * Starts the abandoning of a store: its database counts again, as it was at the cutover. `store` is its id, for one that may still be
 * read. Throws `StoreOverProd`, `StoreNone`, `StorePhaseUnfit`, and `NotFound` for another store's id.
 */
export async function startStoreAbandon(
  ledger: Session,
  request: Confirmed & { store?: string },
  who: Asker,
): Promise<Started> {
  return start(ledger, who, { kind: "store-cutover", abandon: true, ...request }, async () => {
    const environment = await readEnvironment(ledger, request.environment);
    refuseUnconfirmed(environment, request, "what its store holds since the cutover would be lost");
    const named = request.store !== undefined;
    const stuck: StorePhase[] = named ? ["cutting-over", "going-back"] : [];
    const wanted: StorePhase[] = ["following", "verified", "cut-over", ...stuck];
    const { store } = await storeOf(ledger, environment.name, wanted, "lock");
    if (named && request.store !== store.id)
      throw new RehearsalError("NotFound", { what: "store", name: request.store ?? "" });
    const input = { store: store.id, back: true, abandon: named ? ("named" as const) : ("lost" as const) };
    return { kind: "store-cutover", environment: environment.name, backup: null, input };
  });
}

/**
 * Lets go of a store that does not count: its files stay where they are, and the environment may have another. Throws `StoreNone`
 * and `StorePhaseUnfit`.
 */
export async function giveUpStore(ledger: Session, name: string, by: string): Promise<StoreRow> {
  return ledger.transaction(async () => {
    const { store, environment } = await storeOf(
      ledger,
      name,
      ["exporting", "following", "verified"],
      "lock",
    );
    if (store.task !== null && !isTaskEnded((await readTask(ledger, store.task)).status))
      throw new RehearsalError("StorePhaseUnfit", {
        ...{ environment, store: store.id, phase: `in the hands of ${store.task}` },
        wanted: "in nobody's",
      });
    await updateStore(ledger, store.id, { phase: "given-up", task: null });
    await appendEvent(ledger, {
      type: "store.given-up",
      environment,
      data: { store: store.id, phase: store.phase, by },
    });
    return readStore(ledger, store.id);
  });
}

/** The environment's store, which has to be in one of the phases. */
async function storeOf(
  ledger: Session,
  name: string,
  wanted: readonly StorePhase[],
  lock?: "lock",
): Promise<{ environment: string; store: StoreRow }> {
  const { name: environment } = await readEnvironment(ledger, name);
  const store = await findLivingStore(ledger, environment, lock);
  if (store === undefined) throw new RehearsalError("StoreNone", { environment });
  refusePhase(store, wanted);
  return { environment, store };
}

/** Throws `StorePhaseUnfit`, and `StoreCutOver` where that is why. */
export function refusePhase(
  { environment, id, phase }: Pick<StoreRow, "environment" | "id" | "phase">,
  wanted: readonly StorePhase[],
): void {
  if (wanted.includes(phase)) return;
  const behind = phase === "cutting-over" || phase === "cut-over" || phase === "going-back";
  if (behind && !isStoreEnded(phase) && wanted.includes("verified"))
    throw new RehearsalError("StoreCutOver", { environment, store: id, phase });
  throw new RehearsalError("StorePhaseUnfit", { environment, store: id, phase, wanted: wanted.join(" or ") });
}

/** What takes production's place, or goes into it, is said twice. */
function refuseUnconfirmed({ name, role }: Environment, { confirm }: Confirmed, what: string): void {
  if (confirm === name || (confirm === undefined && role !== "prod")) return;
  throw new RehearsalError("StoreOverProd", { environment: name, given: confirm ?? "", what });
}

/** The release that the environment runs; throws `StoreUndeclared` where it has no store.yaml. */
async function declaringRelease({ name, release }: Environment): Promise<string> {
  // Loaded on first use, for it reads a release.
  const { readDefinition } = await import("./store-definition.ts");
  if (release === null) throw new RehearsalError("StoreUndeclared", { environment: name, release: "" });
  await readDefinition(artifacts(), name, release);
  return release;
}
