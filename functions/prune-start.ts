/** Starting a prune: a row with its records, then an execution of the same name, each made exactly once. */
import { RehearsalError } from "../core/errors.ts";
import { isHalfPruned, type PruneMode, type PruneTrigger } from "../core/prunes.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { lockHolds } from "../io/ledger/holds.ts";
import {
  findPruneOf,
  insertRecords,
  leaveToRestore,
  listRestorable,
  type PruneRecord,
} from "../io/ledger/prune-records.ts";
import { insertPrune, type Prune, readPrune, resumePrune } from "../io/ledger/prunes.ts";
import { newId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { artifacts, stepFunctions } from "./clients.ts";
import { holdWithin } from "./holds.ts";
import { type Asker, startOnce } from "./keyed-start.ts";
import { pruneMachine } from "./machines.ts";
import { findPolicy, type KnownPolicy, whyUntested } from "./retention-policies.ts";

/** Records that one batch has: each state of the machine does so many in one call. */
export const BATCH = 20;

interface StartedPrune {
  prune: Prune;
  repeated: boolean;
}

interface PruneRequest {
  environment: string;
  policy: string;
  mode: "report" | "prune";
  /** The backlog when left out. */
  records?: readonly string[];
  /** Of the backlog, at most so many. */
  limit?: number;
  /** The environment's name once more; needed to delete where its role is prod. */
  confirm?: string;
}

/**
 * Starts what a person asks for. Throws `PolicyUnknown`, `PruneUnconfirmed`, `PolicyUntested`, and `PruneUnderWay` when another
 * prune has one of the records; what that one has left half done it goes on with.
 */
export async function startPrune(ledger: Session, request: PruneRequest, who: Asker): Promise<StartedPrune> {
  const { records, mode } = request;
  const environment = await readEnvironment(ledger, request.environment);
  const { id, repeated } = await startOnce(ledger, who, { kind: "prune", body: request }, async () => {
    const known = await findPolicy(artifacts(), environment, request.policy);
    if (mode === "prune") {
      refuseUnconfirmed(environment, request.confirm);
      const untested = await whyUntested(ledger, environment, known);
      if (untested !== undefined) throw untested;
    }
    return insertWithin(ledger, {
      ...{ environment: environment.name, known, mode, by: who.person },
      trigger: records === undefined ? "sweep" : "request",
      ...(records !== undefined && { records: [...new Set(records)] }),
      ...(request.limit !== undefined && { limit: request.limit }),
    });
  });
  return { prune: await startExecution(ledger, id), repeated };
}

interface RestoreRequest {
  prune: string;
  /** All that can be brought back when left out. */
  records?: readonly string[];
  confirm?: string;
}

/**
 * Starts bringing back what a prune has deleted. Each record is held from now on, or the next sweep would take it again. Throws
 * `NotFound`, `PruneUnconfirmed`, `NothingToRestore`, and `PruneUnderWay`.
 */
export async function startPruneRestore(
  ledger: Session,
  request: RestoreRequest,
  who: Asker,
): Promise<StartedPrune> {
  const of = await readPrune(ledger, request.prune);
  const environment = await readEnvironment(ledger, of.environment);
  const { id, repeated } = await startOnce(ledger, who, { kind: "prune", body: request }, async () => {
    refuseUnconfirmed(environment, request.confirm);
    await lockHolds(ledger, environment.name, "alone");
    const records = await restorable(ledger, of, request.records);
    const { release, digest, policy } = of;
    const id = await insertWithin(ledger, {
      ...{ environment: environment.name, known: { policy: { name: policy }, release, digest } },
      ...{ mode: "restore", by: who.person, trigger: "request", restores: of.id },
      records: records.map(({ record }) => record),
    });
    for (const { record } of records)
      await holdWithin(ledger, {
        ...{ environment: environment.name, policy, record },
        reason: `brought back from ${of.id} by ${id}`,
        by: who.person,
      });
    return id;
  });
  return { prune: await startExecution(ledger, id), repeated };
}

interface Wanted {
  environment: string;
  known: Pick<KnownPolicy, "release" | "digest"> & { policy: { name: string } };
  mode: PruneMode;
  modeReason?: string;
  trigger: PruneTrigger;
  by: string;
  restores?: string;
  records?: readonly string[];
  limit?: number;
}

/** Makes a prune's row, its records and its event; to be called inside a transaction. Throws `PruneUnderWay`. */
export async function insertWithin(ledger: Session, wanted: Wanted): Promise<string> {
  const {
    environment,
    known,
    mode,
    trigger,
    by,
    records,
    limit,
    modeReason = null,
    restores = null,
  } = wanted;
  const id = newId("prune");
  const { name: policy } = known.policy;
  const batches = Math.ceil((records?.length ?? 0) / BATCH);
  const { release, digest } = known;
  await insertPrune(ledger, {
    ...{ id, environment, policy, release, digest, trigger, mode, modeReason, restores, requestedBy: by },
    facts: {
      ...(records !== undefined && { named: true, batches }),
      ...(limit !== undefined && { limit }),
    },
  });
  for (let batch = 0; batch < batches; batch++) {
    const some = records?.slice(batch * BATCH, (batch + 1) * BATCH) ?? [];
    const added = new Set(await insertRecords(ledger, { id, environment, policy }, batch + 1, some));
    const taken = some.find((record) => !added.has(record));
    if (taken !== undefined)
      throw new RehearsalError("PruneUnderWay", {
        record: taken,
        prune: (await findPruneOf(ledger, { environment, policy, record: taken })) ?? "another prune",
      });
  }
  await appendEvent(ledger, {
    type: "prune.created",
    environment,
    data: {
      ...{ prune: id, policy, mode, trigger, by, release },
      ...(modeReason !== null && { reason: modeReason }),
      ...(restores !== null && { restores }),
      ...(records !== undefined && { records: records.slice(0, NAMED), count: records.length }),
    },
  });
  return id;
}

/** Records that an event names. */
export const NAMED = 100;

/** Starts the newest execution of a prune that has not ended; starting it again finds the one that was started. */
export async function startExecution(ledger: Session, id: string): Promise<Prune> {
  const prune = await readPrune(ledger, id);
  if (prune.status === "created" || prune.status === "running")
    await stepFunctions.startExecution(executionName(prune), pruneMachine(), { prune: id });
  return prune;
}

/** The newest execution of a prune: its name, and behind the first its number. */
export function executionName({ id, executions }: Pick<Prune, "id" | "executions">): string {
  return executions === 1 ? id : `${id}-${executions}`;
}

/** Goes on with what a prune that ended badly has left half done. */
export async function resume(ledger: Session, id: string): Promise<void> {
  await ledger.transaction(async () => {
    const { status } = await readPrune(ledger, id, "lock");
    // Another has begun to in between.
    if (status === "failed" || status === "refused") await resumePrune(ledger, id);
  });
  await startExecution(ledger, id);
}

function refuseUnconfirmed({ name, role }: Environment, confirm: string | undefined): void {
  if (confirm === name || (confirm === undefined && role !== "prod")) return;
  throw new RehearsalError("PruneUnconfirmed", { environment: name, given: confirm ?? "" });
}

/** What of a prune can be brought back, all or those named. */
async function restorable(
  ledger: Session,
  { id, mode }: Prune,
  named: readonly string[] | undefined,
): Promise<PruneRecord[]> {
  if (mode !== "prune")
    throw new RehearsalError("NothingToRestore", { prune: id, reason: "it deleted nothing" });
  const found = await listRestorable(ledger, id);
  const wanted = named && new Set(named);
  const some = found.filter(({ record }) => wanted === undefined || wanted.has(record));
  const missing = named?.find((record) => !some.some((one) => one.record === record));
  if (missing !== undefined || some.length === 0)
    throw new RehearsalError("NothingToRestore", {
      prune: id,
      reason:
        missing === undefined
          ? "no record is gone that was not brought back"
          : `it deleted nothing of the record ${missing} that was not brought back`,
    });
  for (const { record, status } of some)
    if (isHalfPruned(status)) await leaveToRestore(ledger, { prune: id, record });
  return some;
}
