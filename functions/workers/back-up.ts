/**
 * A worker of a shared backup: joins the attempt of back-up that runs, copies units of it into the bucket until none is left, and
 * never matters. Whatever becomes of it, the attempt that leads, or another worker, copies what it did not.
 */
import { toErrorRecord } from "../../core/errors.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { type Promotion, readPromotion } from "../../io/ledger/promotions.ts";
import {
  endRun,
  type Found,
  findShare,
  isAnyLeft,
  joinShare,
  listRuns,
  type ShareOf,
} from "../../io/ledger/shared-backups.ts";
import { milestone } from "../../io/milestone.ts";
import type { Session } from "../../io/postgres/session.ts";
import { joinCopying } from "../../io/postgres/shared-copy.ts";
import { about } from "../../io/telemetry/about.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { openTraces } from "../../io/telemetry/trace.ts";
import { artifacts } from "../clients.ts";
import { addressFor } from "../credentials.ts";
import { lockingUntil } from "../object-lock.ts";
import { newRun } from "../shared-backup.ts";
import { lifetime } from "../time-left.ts";

/** What the state machine hands to it. */
export interface WorkerInput {
  promotion: string;
  /** Which of the workers: 1 and up. */
  worker: number;
}

/** What it tells the machine: with `more` it is to be called again, for there is work and its time was up, or the work may begin anew. */
export interface WorkerOutcome {
  units: number;
  more: boolean;
}

/** What a unit is believed to be copied with at least; larger ones than fit into what is left of the time are left to others. */
const BYTES_PER_MILLISECOND = 2_000;
/** Kept of the function's life for the end of what was begun, where it has that much. */
const RESERVE = 30_000;
const TO_END = 10_000;
/** So long an attempt is waited for to export its snapshot. */
const PATIENCE = 300_000;
const ASK_EVERY = 500;

export const handler = invoked(async ({ promotion: id, worker }: WorkerInput): Promise<WorkerOutcome> => {
  const life = lifetime();
  const began = performance.now();
  const left = () => life - (performance.now() - began);
  about({ promotion: id, step: "back-up" });
  await openTraces();
  const ledger = await openLedger(`${id} back-up worker ${worker}`);
  try {
    const promotion = await readPromotion(ledger, id);
    about({ environment: promotion.environment });
    const found = await waitForShare(ledger, id, left);
    if (found === "over") return { units: 0, more: false };
    if (found === "not-yet") return { units: 0, more: await isUnderWay(ledger, id) };
    return await help(ledger, promotion, worker, found, { life, left });
  } finally {
    await ledger.close();
  }
});

/** Until an attempt shares its backup, nobody needs it any more, or neither has happened for long. */
async function waitForShare(ledger: Session, promotion: string, left: () => number): Promise<Found> {
  const until = performance.now() + Math.min(PATIENCE, left() / 2);
  for (;;) {
    const found = await findShare(ledger, promotion);
    if (found !== "not-yet" || performance.now() > until) return found;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
  }
}

/** An attempt is at what comes before the copying; where none is, nobody is waited for. */
async function isUnderWay(ledger: Session, promotion: string): Promise<boolean> {
  const running = await ledger.query(
    "select from ledger.steps where promotion = $1 and step = 'back-up' and status = 'running'",
    [promotion],
  );
  return running.length > 0;
}

interface Time {
  /** Milliseconds that the function was given. */
  life: number;
  left(): number;
}

async function help(
  ledger: Session,
  promotion: Promotion,
  worker: number,
  { attempt, prefix, lockedUntil, orders }: Exclude<Found, string>,
  { life, left }: Time,
): Promise<WorkerOutcome> {
  about({ attempt });
  const of: ShareOf = { promotion: promotion.id, attempt, run: newRun() };
  const environment = await readEnvironment(ledger, promotion.environment);
  const address = await addressFor("back-up", environment);
  if (address === undefined) throw new Error("back-up is given no credentials of a database");
  const source = { ...address, database: promotion.facts.production?.name ?? address.database };
  // The attempt's own date, for the objects go when it is over.
  const store = lockedUntil === null ? artifacts() : await lockingUntil(artifacts(), lockedUntil);
  const reserve = Math.min(RESERVE, life / 4);
  const mostBytes = () => Math.max(0, left() - reserve) * BYTES_PER_MILLISECOND;
  const share = await joinShare(ledger, of, worker);
  log.info("joined a shared backup", { worker, run: of.run });
  try {
    const end = await joinCopying(orders, share, {
      source,
      // Begins as the attempt's own sessions do, so that they are ended with them.
      application: `rehearsal ${promotion.id} back-up ${attempt} worker ${worker}`,
      store,
      folder: `${prefix}${of.run}/`,
      connections: promotion.policy.connections,
      mostBytes,
      milliseconds: Math.max(0, left() - Math.min(TO_END, life / 10)),
      onPoint: (point) => milestone(promotion.id, "back-up-worker", point),
    });
    await endRun(ledger, of);
    return await outcomeOf(ledger, of, end, life - reserve);
  } catch (error) {
    // A snapshot that is gone with its leader is no failure of the worker's.
    const now = await findShare(ledger, promotion.id);
    if (now === "over" || now === "not-yet" || now.attempt !== attempt)
      return { units: 0, more: now !== "over" };
    await endRun(ledger, of, toErrorRecord(error));
    throw error;
  }
}

/** Called again it has all its time anew; where that would not do either, it stays away. */
async function outcomeOf(
  ledger: Session,
  of: ShareOf,
  end: Awaited<ReturnType<typeof joinCopying>>,
  freshMilliseconds: number,
): Promise<WorkerOutcome> {
  const runs = await listRuns(ledger, of.promotion, of.attempt);
  const units = runs.find(({ run }) => run === of.run)?.units ?? 0;
  log.info("left a shared backup", { units, end });
  if (end === "all-copied") return { units, more: false };
  if (end === "over") return { units, more: (await findShare(ledger, of.promotion)) !== "over" };
  return { units, more: await isAnyLeft(ledger, of, 0.9 * freshMilliseconds * BYTES_PER_MILLISECOND) };
}
