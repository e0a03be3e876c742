/** What the engine needs of the world around it. */
import type { Json } from "../../core/canonical-json.ts";
import type { Clock } from "./clock.ts";
import type { Fault } from "./fault.ts";

export interface World {
  clock: Clock;
  /** At least 0 and less than 1: the jitter of retries. */
  random(): number;
  region: string;
  invoke: Invoke;
  runTask: RunTask;
  /** Fires when the engine stops: the only thing that stops an invocation, for AWS never cancels one either. */
  stopping: AbortSignal;
}

/** ECS: resolves with RunTask's answer, or with the fault that Step Functions makes of its refusal. */
export type RunTask = (taskArguments: Json) => Promise<{ result: Json } | { fault: Fault }>;

/** The Lambda runner: resolves with what the function returned or how it failed. */
export type Invoke = (
  functionName: string,
  payload: unknown,
  signal: AbortSignal,
) => Promise<{ payload: unknown } | { error: LambdaError }>;

export interface LambdaError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** Thrown through whatever waits when its execution or its branch is over: nothing more is journalled for it. */
export class Over extends Error {}
