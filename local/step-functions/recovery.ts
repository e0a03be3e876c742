/** What becomes of a state that failed: Retry's arithmetic and Catch's matching, after "Handling errors" in the developer guide. */
import type { Fault } from "./fault.ts";
import type { Catcher, RecoverableState, Retrier } from "./states-language.ts";

export type Recovery =
  | { retry: { retrier: number; delayMilliseconds: number } }
  | { catcher: Catcher }
  | { fail: true };

/**
 * Decides from the state, the fault, and how often each of its retriers has been used in this visit.
 * `random` is a number at least 0 and less than 1, drawn by the caller: the jitter.
 */
export function recoveryFrom(
  state: RecoverableState,
  fault: Fault,
  used: readonly number[],
  random: number,
): Recovery {
  const retrier = (state.Retry ?? []).findIndex((one) => matches(one.ErrorEquals, fault));
  const rule = state.Retry?.[retrier];
  if (rule !== undefined && (used[retrier] ?? 0) < (rule.MaxAttempts ?? 3))
    return { retry: { retrier, delayMilliseconds: delayOf(rule, used[retrier] ?? 0, random) } };
  const catcher = (state.Catch ?? []).find((one) => matches(one.ErrorEquals, fault));
  return catcher === undefined ? { fail: true } : { catcher };
}

/** Milliseconds before the retry that follows `used` earlier ones: interval × rate^used, capped, then jittered. */
export function delayOf(retrier: Retrier, used: number, random: number): number {
  const grown = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** used;
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return Math.round(seconds * 1000 * (retrier.JitterStrategy === "FULL" ? random : 1));
}

/**
 * `States.ALL` matches all but the terminal errors; `States.TaskFailed` all but those and `States.Timeout`;
 * a missed heartbeat is a `States.Timeout` that `States.HeartbeatTimeout` matches as well; `States.Runtime` is never caught.
 */
export function matches(errorEquals: readonly string[], fault: Fault): boolean {
  const error = fault.Error ?? "";
  if (error === "States.Runtime") return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (name === "States.HeartbeatTimeout") return fault.heartbeat === true;
    if (error === "States.DataLimitExceeded") return false;
    return name === "States.ALL" || (name === "States.TaskFailed" && error !== "States.Timeout");
  });
}
