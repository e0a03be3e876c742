/** A Task state: one invocation at least, an answer at most, and the deadlines that race with it. */
import type { Json } from "../../core/canonical-json.ts";
import { functionVersion } from "../lambda/arn.ts";
import type { Outcome } from "./entry.ts";
import { type Fault, PAYLOAD_LIMIT } from "./fault.ts";
import { taskFailed, taskScheduled, taskSubmitted, taskSucceeded } from "./history.ts";
import { planTask, type TaskPlan, waitsForToken } from "./interpreter.ts";
import { type Attempt, type Frame, visitOf } from "./memory.ts";
import type { Run } from "./run.ts";
import type { TaskState } from "./states-language.ts";
import { type LambdaError, Over } from "./world.ts";

/**
 * Schedules the task unless the journal says it was, and resolves with its outcome once that is journalled.
 * A task found scheduled but not finished is invoked again with the same arguments and the same token: at least once.
 * A task that timed out leaves its invocation running, as on AWS: the zombie is the product's to fence off.
 */
export async function performTask(
  run: Run,
  frame: Frame,
  state: TaskState,
  signal: AbortSignal,
): Promise<Outcome> {
  if (visitOf(frame).attempt === undefined) await schedule(run, frame, state, signal);
  const { attempt } = visitOf(frame);
  if (attempt === undefined) throw new Error("a task was scheduled and is not there");
  if (attempt.outcome === undefined) await outcomeOf(run, frame, attempt, signal);
  if (attempt.outcome === undefined) throw new Over();
  return attempt.outcome;
}

async function schedule(run: Run, frame: Frame, state: TaskState, signal: AbortSignal) {
  const token = state.Resource.endsWith(".waitForTaskToken") ? run.newToken() : undefined;
  const plan = await planTask(state, run.view(frame, token));
  if (signal.aborted) throw new Over();
  run.note(
    { fact: "scheduled", frame: frame.id, plan, ...(token === undefined ? {} : { token }) },
    ...taskScheduled(plan, run.world.region),
  );
}

async function outcomeOf(run: Run, frame: Frame, attempt: Attempt, signal: AbortSignal) {
  const timers = new AbortController();
  const timing = AbortSignal.any([signal, timers.signal]);
  const open = () => !signal.aborted && attempt.outcome === undefined && visitOf(frame).attempt === attempt;
  const settle = (outcome: Outcome) => {
    if (!open()) return;
    const event =
      "result" in outcome
        ? taskSucceeded(attempt.plan, outcome.result)
        : taskFailed(attempt.plan, outcome.fault);
    run.note({ fact: "settled", frame: frame.id, outcome }, event);
  };
  const over = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true, signal: timers.signal }),
  );
  const waits = [over, run.answered(frame)];
  // On resume a function that has already returned is not invoked again: only its token's answer is missing.
  if (attempt.submitted === undefined) waits.push(invoke(run, frame, attempt, open, settle));
  waits.push(...deadlines(run, attempt, timing, settle));
  try {
    await Promise.race(waits);
  } finally {
    timers.abort();
  }
}

/** Resolves when the invocation settled the task; a function or a container that was handed a token only submits it. */
async function invoke(
  run: Run,
  frame: Frame,
  attempt: Attempt,
  open: () => boolean,
  settle: (outcome: Outcome) => void,
): Promise<void> {
  const { plan } = attempt;
  const outcome = await invocation(run, plan);
  if ("fault" in outcome || !waitsForToken(plan)) return settle(outcome);
  if (open()) run.note({ fact: "submitted", frame: frame.id }, taskSubmitted(plan, outcome.result));
  return new Promise(() => undefined);
}

async function invocation(run: Run, plan: TaskPlan): Promise<Outcome> {
  if (plan.kind === "container") return run.world.runTask(plan.arguments);
  let reply: Awaited<ReturnType<typeof run.world.invoke>>;
  try {
    reply = await run.world.invoke(plan.functionName, plan.payload, run.world.stopping);
  } catch (error) {
    reply = { error: { errorType: "Lambda.ServiceException", errorMessage: String(error) } };
  }
  if ("error" in reply) return { fault: faultOf(reply.error) };
  const text = JSON.stringify(reply.payload) ?? "null";
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT)
    return {
      fault: {
        Error: "States.DataLimitExceeded",
        Cause: `The state/task '${plan.kind === "direct" ? plan.functionName : "lambda"}' returned a result with a size exceeding the maximum number of bytes service limit.`,
      },
    };
  const payload = JSON.parse(text) as Json;
  if (plan.kind === "direct") return { result: payload };
  return {
    result: {
      ExecutedVersion: functionVersion(plan.functionName),
      Payload: payload,
      SdkHttpMetadata: { HttpStatusCode: 200 },
      StatusCode: 200,
    },
  };
}

/** A function's own error travels as JSON in the Cause; an error of the Lambda service as its message. */
function faultOf(error: LambdaError): Fault {
  if (error.errorType === "TooManyRequestsException" || error.errorType.startsWith("Lambda."))
    return { Error: error.errorType.replace(/^(?!Lambda\.)/, "Lambda."), Cause: error.errorMessage };
  const { errorType, errorMessage, trace } = error;
  return { Error: errorType, Cause: JSON.stringify({ errorType, errorMessage, trace }) };
}

/** TimeoutSeconds count from the scheduling, HeartbeatSeconds from the last sign of life of a task that has a token. */
function deadlines(
  run: Run,
  attempt: Attempt,
  timing: AbortSignal,
  settle: (outcome: Outcome) => void,
): Promise<void>[] {
  const { clock } = run.world;
  const { timeoutSeconds, heartbeatSeconds } = attempt.plan;
  const waits: Promise<void>[] = [];
  const never = () => new Promise<void>(() => undefined);
  if (timeoutSeconds !== undefined)
    waits.push(
      clock
        .until(attempt.scheduledAt + timeoutSeconds * 1000, timing)
        .then(() => settle({ fault: { Error: "States.Timeout" } }), never),
    );
  if (heartbeatSeconds !== undefined && waitsForToken(attempt.plan)) {
    const beat = async (): Promise<void> => {
      const heard = attempt.heartbeatAt;
      await clock.until(heard + heartbeatSeconds * 1000, timing);
      if (attempt.heartbeatAt > heard) return beat();
      settle({ fault: { Error: "States.Timeout", heartbeat: true } });
    };
    waits.push(beat().catch(never));
  }
  return waits;
}
