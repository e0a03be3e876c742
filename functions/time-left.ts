/** Stopping in time: Lambda ends a function at its limit whatever it does, so a long step stops before and is called again. */
import { type BatchStanding, secondsLeft } from "../core/batch-progress.ts";
import { RehearsalError } from "../core/errors.ts";
import type { RunMeasure } from "../core/report.ts";
import type { RunItem } from "../core/runs.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import { timeLeft } from "../io/telemetry/invocation.ts";
import type { StepContext } from "./step.ts";

/** Milliseconds that the function has, when it begins; the deadline is an instant, and to a clock that is hours ahead it has passed by then. */
export function lifetime(): number {
  const left = timeLeft();
  return left > 0 ? left : Number.POSITIVE_INFINITY;
}

/** Milliseconds kept for what comes after the last slice, where the function has that much; else a quarter of what it has. */
const RESERVE = 30_000;

/** The same question of work that nobody can take back meanwhile, and that may take `lifetime` milliseconds from now on. */
export function enoughTime(lifetime: number): () => boolean {
  const began = performance.now();
  return () => lifetime - (performance.now() - began) > Math.min(2 * RESERVE, lifetime / 4);
}

/** How often the ledger is asked whether somebody wants it back. */
const HEED_EVERY = 2_000;

/** Asked between two parts of the work: false when the time is needed for the end. Throws `RollbackAsked` as soon as somebody has. */
export function mayGoOn({ timeLeft, ledger, promotion }: StepContext): () => Promise<boolean> {
  const reserve = Math.min(RESERVE, timeLeft() / 4);
  let heeded = performance.now();
  return async () => {
    if (performance.now() - heeded > HEED_EVERY) {
      heeded = performance.now();
      const { asked, askedBy } = await readPromotion(ledger, promotion.id);
      if (asked === "roll-back") throw new RehearsalError("RollbackAsked", { by: askedBy ?? "somebody" });
    }
    return timeLeft() > reserve;
  };
}

/** Slices before their pace says anything of the rest. */
const SLICES_TO_JUDGE = 5;

/** A rehearsal cannot stop and go on, for its copy is one attempt's: throws `BatchTooLong` once its pace tells that it will not fit. */
export function refuseTooLong(
  { timeLeft }: Pick<StepContext, "timeLeft">,
  item: RunItem,
  standing: BatchStanding,
): void {
  if (standing.slices < SLICES_TO_JUDGE) return;
  const rest = secondsLeft(standing, { pause: 0 }) ?? 0;
  // The proof of idempotence goes over all of it once more.
  const again = item.idempotent ? rest + standing.milliseconds / 1_000 : 0;
  const left = timeLeft() / 1_000;
  if (rest + again > left * 0.9)
    throw new RehearsalError("BatchTooLong", {
      path: item.path,
      seconds: Math.round(rest + again),
      left: Math.round(left),
    });
}

/** Part of a function's life that the copy's time may take of it: production is under load, and its locks are waited for. */
const SAFE = 2 / 3;

/**
 * What cannot be cut has to fit into one function when production is migrated: throws `OutlastsFunction` when the copy's
 * time tells that it may not. Where a container does it, it has hours, and nothing is refused.
 */
export function refuseOutlasting(
  { lifetime, promotion }: Pick<StepContext, "lifetime" | "promotion">,
  runs: readonly Pick<RunMeasure, "transactional" | "milliseconds" | "items">[],
  batched: ReadonlySet<string>,
): void {
  if (promotion.policy.compute === "fargate") return;
  const longest = Math.max(0, ...runs.map((run) => longestPart(run, batched)));
  if (longest > lifetime * SAFE)
    throw new RehearsalError("OutlastsFunction", {
      what: "on the copy, what of the migrations cannot be interrupted took",
      seconds: Math.round(longest / 1_000),
      limit: Math.round(lifetime / 1_000),
    });
}

/** A transaction is one piece; outside of one, each statement is, and slices are none. */
function longestPart(
  { transactional, milliseconds, items }: Pick<RunMeasure, "transactional" | "milliseconds" | "items">,
  batched: ReadonlySet<string>,
): number {
  if (transactional) return milliseconds;
  const whole = items.filter(({ path }) => !batched.has(path));
  return Math.max(0, ...whole.flatMap(({ statements }) => statements.map((one) => one.milliseconds)));
}

/** Milliseconds kept to tell that the time has run out, where the function has that much; else a tenth of what it has. */
const TO_TELL = 30_000;

/** A timer cannot wait for longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Life<T> {
  /** What is done, for the refusal. */
  what: string;
  /** Milliseconds that it may take. */
  lifetime: number;
  /** Ends the sessions that do it, so that it fails where it waits for the server. */
  endSessions(): Promise<void>;
  /** What tells that there is a rest; undefined when nothing has come to stay, and another call would have as much to do. */
  rest?: () => T | undefined;
}

/**
 * Runs work that production can be kept from: when it is not done shortly before its function ends, its sessions are ended
 * and it returns its `rest`, so that it is called again. Where there is none it throws `OutlastsFunction`, where the function's death
 * would tell nobody what to do.
 */
export async function whileAlive<T>(
  { what, lifetime, endSessions, rest }: Life<T>,
  work: () => Promise<T>,
): Promise<T> {
  const toTell = Math.min(TO_TELL, lifetime / 10);
  const mayTake = lifetime - toTell;
  if (mayTake > LONGEST_TIMER) return work();
  const over = Promise.withResolvers<"over">();
  const timer = setTimeout(() => over.resolve("over"), mayTake);
  const began = performance.now();
  const working = work().then((result) => ({ result }));
  try {
    const first = await Promise.race([working, over.promise]);
    if (first !== "over") return first.result;
  } finally {
    clearTimeout(timer);
  }
  // How it fails from here on is not the reason.
  const ended = working.catch(() => undefined);
  await endSessions().catch((error: unknown) => {
    // Nor is a server that does not answer: whoever comes next ends what is left of this attempt.
    if (!(error instanceof RehearsalError)) throw error;
  });
  // Without its sessions it ends at once, but for what it asks of others; it may also have been done just now.
  const waited = Promise.withResolvers<undefined>();
  const patience = setTimeout(() => waited.resolve(undefined), toTell / 2);
  const done = await Promise.race([ended, waited.promise]);
  clearTimeout(patience);
  if (done !== undefined) return done.result;
  const left = rest?.();
  if (left !== undefined) return left;
  throw new RehearsalError("OutlastsFunction", {
    what: `${what} is not done after`,
    seconds: Math.round((performance.now() - began) / 1_000),
    limit: Math.round(lifetime / 1_000),
  });
}
