/** One order from its beginning to its answer: the step's own handler does it, and the machine is told that we live. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Invocation } from "../../io/telemetry/invocation.ts";
import { type Failure, failureOf } from "./failure.ts";
import { HANDLERS } from "./handlers.ts";
import type { Machine } from "./machine.ts";
import type { Order } from "./order.ts";

/** How it ended, as the process's exit code. */
export const EXITS = { done: 0, failed: 1, unanswered: 2, unwanted: 3, stopped: 143 } as const;

/** Told three times before it is missed: two may get lost. */
const BEATS = 3;

interface Running {
  /** Resolves with the exit code when the machine has been answered, or waits no longer. */
  ended: Promise<number>;
  /** Gives the order back, whatever the handler is at: its failure is told, and `ended` resolves with the code. */
  giveBack(failure: Failure, exit: number): void;
}

/** Begins at once; of several answers the first is the one that is told. */
export function run(order: Order, machine: Machine): Running {
  const { token, heartbeatSeconds } = order;
  const end = Promise.withResolvers<number>();
  let answering = false;
  const answer = (tell: () => Promise<void>, exit: number) => {
    if (answering) return;
    answering = true;
    tell().then(
      () => end.resolve(exit),
      (error: unknown) => end.resolve(isUnwanted(error) ? EXITS.unwanted : EXITS.unanswered),
    );
  };
  const beat = setInterval(
    () => {
      machine.beat(token).catch((error: unknown) => {
        // The state was left: whoever has the step now must not be disturbed. Any other failure the next beat may mend.
        if (isUnwanted(error) && !answering) end.resolve(EXITS.unwanted);
      });
    },
    (heartbeatSeconds / BEATS) * 1_000,
  );
  const giveBack = (failure: Failure, exit: number) => answer(() => machine.fail(token, failure), exit);
  perform(order).then(
    (outcome) => answer(() => machine.succeed(token, outcome), EXITS.done),
    (error: unknown) => giveBack(failureOf(error), EXITS.failed),
  );
  return { ended: end.promise.finally(() => clearInterval(beat)), giveBack };
}

async function perform({ step, input, heartbeatSeconds, stepSeconds }: Order): Promise<Json> {
  const load = Object.hasOwn(HANDLERS, step) ? HANDLERS[step as keyof typeof HANDLERS] : undefined;
  if (load === undefined) throw new Error(`no container does ${step}`);
  const handler = await load();
  // The machine began to count before we were started, which may take as long as it waits for a first word.
  const deadline = Date.now() + Math.max(stepSeconds / 2, stepSeconds - heartbeatSeconds) * 1_000;
  const invocation: Invocation = { getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()) };
  return handler(input, invocation);
}

function isUnwanted(error: unknown): boolean {
  return error instanceof RehearsalError && error.code === "TaskTokenUsed";
}
