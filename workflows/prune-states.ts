/** How the states of a prune are written: one function does them all, is told the state's name, and waits for a promotion that is under way. */
import type { Retrier, TaskState } from "./asl.ts";
import { OTHER_FUNCTIONS } from "./functions.ts";
import { catchers, invoke, type StateOptions } from "./states.ts";

/** A state about the whole prune. */
export function pruneStep(name: string, options: StateOptions): TaskState {
  const payload = {
    prune: PRUNE,
    state: name,
    error: "{% $exists($failure) ? $failure : null %}",
  };
  const step = invoke("prune", OTHER_FUNCTIONS.prune, payload, options);
  return { ...step, Retry: [...step.Retry, THEIR_TURN] };
}

/** The states of one batch: what fails leads to `onFailure` in it. */
export function batchStep(
  onFailure: string,
): (name: string, options: Omit<StateOptions, "onFailure">) => TaskState {
  return (name, options) => {
    const payload = {
      prune: PRUNE,
      state: name,
      batch: "{% $batch %}",
      error: "{% $exists($trouble) ? $trouble : null %}",
    };
    const step = invoke("prune", OTHER_FUNCTIONS.prune, payload, { ...options, onFailure });
    return {
      ...step,
      Retry: [...step.Retry, THEIR_TURN],
      // A variable of a batch has not the name of one outside.
      Catch: catchers(onFailure, "trouble"),
    };
  };
}

const PRUNE = "{% $states.context.Execution.Input.prune %}";

/** About an hour and a half; the sweep comes again later. */
const THEIR_TURN: Retrier = {
  ErrorEquals: ["PruneMustWait"],
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxAttempts: 24,
  MaxDelaySeconds: 300,
  JitterStrategy: "FULL",
};
