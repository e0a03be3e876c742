/** What every step of a promotion shares: an attempt in the ledger around the work, and the log told of how it ended. */
import type { Json } from "../core/canonical-json.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError, toErrorRecord } from "../core/errors.ts";
import type { Progress } from "../core/progress.ts";
import { BEYOND_REHEARSAL, CANCELLABLE, type Status, type Step } from "../core/steps.ts";
import { openLedger } from "../io/ledger/connection.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent, type NewEvent } from "../io/ledger/events.ts";
import { type Facts, type Promotion, updatePromotion } from "../io/ledger/promotions.ts";
import { type Attempt, assertNewest, beginStep, finishStep, writeProgress } from "../io/ledger/steps.ts";
import { milestone } from "../io/milestone.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { findDatabase } from "../io/postgres/databases.ts";
import { endSessions } from "../io/postgres/end-sessions.ts";
import { openSession, type Session, type SessionOptions } from "../io/postgres/session.ts";
import { about } from "../io/telemetry/about.ts";
import { invoked, timeLeft } from "../io/telemetry/invocation.ts";
import { log } from "../io/telemetry/log.ts";
import { measure } from "../io/telemetry/measure.ts";
import { openTraces, traced } from "../io/telemetry/trace.ts";
import { carriedError, carriedOutcome } from "./carried.ts";
import { artifacts } from "./clients.ts";
import { addressFor } from "./credentials.ts";
import { explainDiskFull } from "./disk-full.ts";
import { trySending } from "./outbox.ts";
import { noteProgress } from "./progress.ts";
import { lifetime, whileAlive } from "./time-left.ts";

/** What the state machine hands to a step. */
export interface StepInput {
  promotion: string;
  /** The task token, where the machine waits for one. */
  token?: string;
  /** What failed, where the step answers a failure. */
  error?: { Error: string; Cause: string };
}

export interface StepContext {
  input: StepInput;
  promotion: Promotion;
  environment: Environment;
  attempt: Attempt;
  ledger: Session;
  store: ObjectStore;
  /** Where this attempt's artifacts go: no two attempts share a prefix. */
  prefix: string;
  /** pg_stat_activity's name of this attempt's sessions. */
  application: string;
  /** The environment's address, with its password, or that of its copies: credentials.ts says which step has which. */
  readonly address: DatabaseAddress;
  /** A session on production, by whatever name it has now; a step that is given the copies' credentials has none. */
  openProduction(options?: Partial<SessionOptions>): Promise<Session>;
  /** A session on the database from which others are made and renamed. */
  openMaintenance(): Promise<Session>;
  /** Milliseconds until Lambda ends this function; endless where nobody does. */
  timeLeft(): number;
  /** Milliseconds that it had when the step began. */
  lifetime: number;
  /** Tells listeners that a point was passed. */
  passed(point: string): void;
  /** Tells whoever watches how far the step is. */
  progress(progress: Progress): void;
  /** Writes how far it got; part of how every attempt ends. */
  writeLatest(): Promise<void>;
  /** Notes that something has come to stay: should the time run out now, the step is called again for the rest, and not refused. */
  kept(): void;
  /** Whether anything has. */
  hasKept(): boolean;
}

export interface StepResult {
  /** It travels through the state machine and stands in the log; what is long of it does so as a pointer (carried.ts). */
  outcome: Json;
  /** The work is not done: the machine, told by `more: true` in the outcome, calls the step again for the rest. */
  more?: true;
  facts?: Facts;
  status?: Status;
  evidence?: string;
  error?: Promotion["error"];
  events?: NewEvent[];
  /** More writes to the ledger, in the same transaction. */
  also?: (ledger: Session) => Promise<void>;
  /** Done when the ledger has committed; must be safe to do twice. */
  afterwards?: () => Promise<void>;
}

/** Long steps before anybody has decided: nothing is lost when one is refused for lack of time. */
const REFUSED_IN_TIME: ReadonlySet<Step> = new Set(["snapshot", "back-up", "restore", "rehearse"]);

interface StepOptions {
  /** Run the work even though an attempt has succeeded: for a step that holds a new task token each time. */
  everyTime?: true;
}

/** Wraps a step's work into a Lambda handler. Throws errors whose `name` is the catalogue's code. */
export function step(
  name: Step,
  work: (context: StepContext) => Promise<StepResult>,
  options: StepOptions = {},
) {
  return invoked(async (input: StepInput): Promise<Json> => {
    about({ promotion: input.promotion, step: name });
    await openTraces();
    const ledger = await openLedger(`${input.promotion} ${name}`);
    try {
      const store = artifacts();
      const begun = await ledger.transaction(() => beginStep(ledger, input.promotion, name, options));
      if ("done" in begun) {
        log.info("had been done");
        await trySending(ledger);
        return begun.done;
      }
      const context = await makeContext(name, input, ledger, store, begun);
      return await observed(context, () => attemptStep(context, work));
    } finally {
      await ledger.close();
    }
  });
}

/** An attempt as it is seen from outside: its lines, its segment, and how long it took until the ledger knew of its end. */
async function observed(
  { attempt: { promotion, step, attempt }, promotion: { environment } }: StepContext,
  work: () => Promise<Json>,
): Promise<Json> {
  about({ environment, attempt });
  log.info("begun");
  const began = performance.now();
  const end = async () => {
    const seconds = (performance.now() - began) / 1_000;
    await measure({ name: "StepSeconds", value: seconds, by: { step }, about: { promotion, attempt } });
    return { seconds };
  };
  try {
    const outcome = await traced(step, { promotion, environment, step, attempt }, work);
    log.info("done", await end());
    return outcome;
  } catch (error) {
    await end();
    throw error;
  }
}

async function attemptStep(
  context: StepContext,
  work: (context: StepContext) => Promise<StepResult>,
): Promise<Json> {
  const { attempt, ledger, promotion } = context;
  const who = { environment: promotion.environment, promotion: promotion.id };
  let result: StepResult;
  try {
    if (promotion.asked === "cancel" && CANCELLABLE.has(attempt.step))
      throw new RehearsalError("Cancelled", { by: promotion.askedBy ?? "somebody" });
    // The machine does not come here with a rehearsal alone; whoever does is turned away all the same.
    if (promotion.rehearseOnly && BEYOND_REHEARSAL.has(attempt.step))
      throw new RehearsalError("RehearsalOnly", { promotion: promotion.id });
    context.passed("begun");
    result = await (REFUSED_IN_TIME.has(attempt.step) ? inTime(context, work) : work(context));
  } catch (thrown) {
    const explained = await explainDiskFull(context, thrown);
    const error = await carriedError(context.store, context.prefix, explained);
    const record = toErrorRecord(error);
    await ledger.transaction(async () => {
      await assertNewest(ledger, attempt);
      await finishStep(ledger, attempt, { error: record });
      await context.writeLatest();
      await appendEvent(ledger, {
        ...who,
        type: `${attempt.step}.failed`,
        data: { attempt: attempt.attempt, code: record.code, message: record.message },
      });
    });
    await trySending(ledger);
    throw error;
  }
  context.passed("effect");
  const { more, facts, status, evidence, error } = result;
  const outcome = await carriedOutcome(context.store, context.prefix, result.outcome);
  await ledger.transaction(async () => {
    await assertNewest(ledger, attempt);
    await finishStep(ledger, attempt, more ? { yielded: outcome } : { outcome });
    await context.writeLatest();
    await updatePromotion(ledger, promotion.id, {
      ...(facts && { facts }),
      ...(status && { status }),
      ...(evidence && { evidence }),
      ...(error && { error }),
    });
    await result.also?.(ledger);
    await appendEvent(ledger, {
      ...who,
      type: `${attempt.step}.${more ? "yielded" : "done"}`,
      data: { attempt: attempt.attempt, outcome },
    });
    for (const event of result.events ?? []) await appendEvent(ledger, { ...who, ...event });
  });
  context.passed(more ? "yielded" : "recorded");
  await trySending(ledger);
  await result.afterwards?.();
  return outcome;
}

async function inTime(
  context: StepContext,
  work: (context: StepContext) => Promise<StepResult>,
): Promise<StepResult> {
  const { attempt, lifetime, application, openMaintenance } = context;
  const endOwn = async () => {
    const maintenance = await openMaintenance();
    try {
      await endSessions(maintenance, application);
    } finally {
      await maintenance.close();
    }
  };
  return whileAlive<StepResult>(
    { what: attempt.step, lifetime, endSessions: endOwn, rest: () => restOf(context) },
    () => work(context),
  );
}

/** What is told when the time has run out: there is more to do, and less than there was. */
function restOf({ hasKept }: StepContext): StepResult | undefined {
  return hasKept() ? { more: true, outcome: { more: true } } : undefined;
}

async function makeContext(
  name: Step,
  input: StepInput,
  ledger: Session,
  store: ObjectStore,
  { promotion, attempt }: { promotion: Promotion; attempt: Attempt },
): Promise<StepContext> {
  const environment = await readEnvironment(ledger, promotion.environment);
  const given = await addressFor(name, environment);
  const reach = () => {
    if (given === undefined) throw new Error(`${name} is given no credentials of a database`);
    return given;
  };
  const application = `rehearsal ${promotion.id} ${name} ${attempt.attempt}`;
  const ours = { application, patienceSeconds: promotion.policy.patience };
  const openMaintenance = async () =>
    openSession(reach(), { ...ours, database: promotion.policy.maintenanceDatabase });
  const note = noteProgress((latest) => writeProgress(ledger, attempt, latest));
  let kept = false;
  return {
    input,
    promotion,
    environment,
    attempt,
    ledger,
    store,
    prefix: `promotions/${promotion.id}/${name}/${attempt.attempt}/`,
    application,
    get address() {
      return reach();
    },
    openMaintenance,
    openProduction: async (options = {}) => {
      const oid = promotion.facts.production?.oid;
      const database = oid === undefined ? reach().database : await nameOf(openMaintenance, oid);
      return openSession(reach(), { ...ours, database, ...options });
    },
    timeLeft,
    lifetime: lifetime(),
    passed: (point) => milestone(promotion.id, name, point),
    progress: (value) => {
      note.tell(value);
      // In the midst of the copying, where a death leaves the most behind.
      milestone(promotion.id, name, "under-way");
    },
    writeLatest: note.writeLatest,
    kept: () => {
      kept = true;
    },
    hasKept: () => kept,
  };
}

async function nameOf(openMaintenance: () => Promise<Session>, oid: number): Promise<string> {
  const session = await openMaintenance();
  try {
    const database = await findDatabase(session, { oid });
    if (database === undefined)
      throw new RehearsalError("NotFound", { what: "database", name: `oid ${oid}` });
    return database.name;
  } finally {
    await session.close();
  }
}
