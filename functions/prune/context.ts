/** What the states of a prune share: an attempt in the ledger around the work, and what becomes of a record that cannot go on. */
import type { Json } from "../../core/canonical-json.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { RecordStatus } from "../../core/prunes.ts";
import { type Environment, readEnvironment } from "../../io/ledger/environments.ts";
import {
  assertNewestOfRecord,
  type BatchAttempt,
  beginBatch,
  listBatch,
  noteBatchError,
  type PruneRecord,
  updateRecord,
} from "../../io/ledger/prune-records.ts";
import {
  assertNewestOfPrune,
  beginPrune,
  notePruneError,
  type Prune,
  type PruneAttempt,
  readPrune,
} from "../../io/ledger/prunes.ts";
import { milestone } from "../../io/milestone.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import type { Session } from "../../io/postgres/session.ts";
import { about } from "../../io/telemetry/about.ts";
import { timeLeft } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { artifacts } from "../clients.ts";
import { trySending } from "../outbox.ts";
import { findPolicy, type KnownPolicy } from "../retention-policies.ts";
import { openTarget, type Target } from "./target.ts";

/** What the state machine hands to a state. */
export interface PruneInput {
  prune: string;
  state: string;
  /** Of the states of a batch. */
  batch?: number;
  /** What failed, where the state answers a failure. */
  error?: { Error: string; Cause: string } | null;
}

interface Shared {
  prune: Prune;
  environment: Environment;
  ledger: Session;
  store: ObjectStore;
  /** Tells listeners that a point was passed. */
  passed(point: string): void;
}

export interface WholeContext extends Shared {
  attempt: PruneAttempt;
  /** Runs writes to the ledger while no later attempt can begin; throws `AttemptStale` when one has. */
  asNewest<T>(work: (prune: Prune) => Promise<T>): Promise<T>;
}

export interface BatchContext extends Shared {
  attempt: BatchAttempt;
  /** Those of the batch for which the state is the next, in their order. */
  records: PruneRecord[];
  target: Target;
  /** The policy as it is now; throws `PolicyChanged` when the prune began with another. */
  policy(): Promise<KnownPolicy>;
  /** The policy as it is now, whatever the prune began with; that one where there is none of its name any more. */
  policyNow(): Promise<KnownPolicy>;
  /** Throws `AttemptStale` when a later attempt has begun; inside a transaction none can begin until it ends. */
  assertNewest(record: string): Promise<void>;
  /** Moves a record on, in a transaction of its own. */
  move(record: string, change: Parameters<typeof updateRecord>[2]): Promise<void>;
  /** True while there is time for another record. */
  mayGoOn(): boolean;
}

/** Milliseconds kept for the end of a call. */
const RESERVE = 60_000;

/** Runs what is about all records; undefined when the prune has ended already. */
export async function asWhole<T extends Json>(
  ledger: Session,
  { prune: id, state }: PruneInput,
  work: (context: WholeContext) => Promise<T>,
): Promise<T | undefined> {
  const { prune, attempt } = await ledger.transaction(() => beginPrune(ledger, id));
  if (attempt === undefined) return undefined;
  const context: WholeContext = {
    ...(await sharedOf(ledger, prune, state)),
    attempt,
    asNewest: (write) => ledger.transaction(async () => write(await assertNewestOfPrune(ledger, attempt))),
  };
  return told(context, attempt.attempt, async () => {
    try {
      return await work(context);
    } catch (thrown) {
      await context.asNewest(() => notePruneError(ledger, id, toErrorRecord(thrown)));
      throw thrown;
    }
  });
}

/**
 * Runs one state of a batch on those of its records whose next state it is. What the work throws is noted with them. Throws
 * `BatchUnfinished` when some of them are left and may be moved on by the same state called again.
 */
export async function asBatch(
  ledger: Session,
  { prune: id, state, batch = 0 }: PruneInput,
  from: (prune: Prune) => readonly RecordStatus[],
  work: (context: BatchContext) => Promise<void>,
): Promise<PruneRecord[]> {
  const { records, attempt } = await ledger.transaction(() => beginBatch(ledger, id, batch));
  const prune = await readPrune(ledger, id);
  const isNext = ({ status }: PruneRecord) => from(prune).includes(status);
  const left = records.filter(isNext);
  if (left.length === 0) return records;
  const shared = await sharedOf(ledger, prune, state);
  const target = await openTarget(shared.environment, `rehearsal ${id} ${state} ${batch} ${attempt.attempt}`);
  const assertNewest = (record: string) => assertNewestOfRecord(ledger, attempt, record);
  const context: BatchContext = {
    ...shared,
    ...{ attempt, records: left, target, assertNewest },
    policy: async () => {
      const known = await findPolicy(shared.store, shared.environment, prune.policy);
      if (known.digest !== prune.digest)
        throw new RehearsalError("PolicyChanged", {
          ...{ policy: prune.policy, environment: prune.environment, prune: id },
        });
      return known;
    },
    policyNow: async () => {
      const { store, environment } = shared;
      try {
        return await findPolicy(store, environment, prune.policy);
      } catch (error) {
        if (!(error instanceof RehearsalError) || error.code !== "PolicyUnknown") throw error;
        return findPolicy(store, { name: environment.name, release: prune.release }, prune.policy);
      }
    },
    move: async (record, change) =>
      ledger.transaction(async () => {
        await assertNewest(record);
        await updateRecord(ledger, { prune: id, record }, change);
      }),
    mayGoOn: () => timeLeft() > RESERVE,
  };
  try {
    return await told(context, attempt.attempt, async () => {
      try {
        await work(context);
      } catch (thrown) {
        await ledger.transaction(() => noteBatchError(ledger, attempt, toErrorRecord(thrown)));
        throw thrown;
      }
      const now = await listBatch(ledger, id, batch);
      const rest = now.filter(isNext).length;
      if (rest > 0) throw new RehearsalError("BatchUnfinished", { prune: id, left: rest });
      return now;
    });
  } finally {
    await target.close();
  }
}

/**
 * Does the work for one record. What is refused of it by itself, and would be again, is its end, and leaves the others to go on;
 * anything else is thrown.
 */
export async function orRefused(
  context: BatchContext,
  { record }: PruneRecord,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!isItsOwn(thrown)) throw thrown;
    log.info("a record is left", { record, code: thrown.code, reason: thrown.message });
    await context.move(record, { status: "refused", error: toErrorRecord(thrown) });
  }
}

/** Of the batch, not of the record: the policy, the server, the turn. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
  "Internal",
  "PruneMustWait",
  "PolicyChanged",
  "PolicyUnknown",
  "PolicyUntested",
  "RetentionRefused",
]);

/** True for what is refused of a record, and would be refused again. */
export function isItsOwn(thrown: unknown): thrown is RehearsalError {
  return thrown instanceof RehearsalError && !thrown.retryable && !NOT_ITS_OWN.has(thrown.code);
}

/** Why it failed, where nobody noted it: the sandbox died. */
export function deathOf({ error }: PruneInput): ErrorRecord {
  return toErrorRecord(
    new RehearsalError("StepDied", { error: error?.Error ?? "", cause: error?.Cause ?? "" }),
  );
}

async function sharedOf(ledger: Session, prune: Prune, state: string): Promise<Shared> {
  return {
    prune,
    environment: await readEnvironment(ledger, prune.environment),
    ledger,
    store: artifacts(),
    passed: (point) => milestone(prune.id, `prune-${state}`, point),
  };
}

async function told<T>(
  { ledger, prune, passed }: Shared,
  attempt: number,
  work: () => Promise<T>,
): Promise<T> {
  about({ environment: prune.environment, attempt });
  passed("begun");
  log.info("begun");
  const result = await work();
  passed("recorded");
  log.info("done");
  await trySending(ledger);
  return result;
}
