/** How our states are written: every step is retried the same way, and no failure is left without a way to go. */
import { retryableCodes } from "../core/errors.ts";
import type { Step } from "../core/steps.ts";
import type { Catcher, ChoiceState, Expression, FailState, Retrier, SucceedState, TaskState } from "./asl.ts";
import { type FunctionLimits, OTHER_FUNCTIONS, STEP_FUNCTIONS } from "./functions.ts";

interface StepOptions {
  comment: string;
  assign?: Record<string, Expression>;
  waitForToken?: true;
  timeoutSeconds?: Expression;
  next: string;
  onFailure: string;
}

/** A step of the runbook: invokes the function of that name with the promotion's id. */
export function step(name: Step, options: StepOptions): TaskState {
  return invoke(name, STEP_FUNCTIONS[name], options, {
    promotion: "{% $states.context.Execution.Input.promotion %}",
    error: "{% $exists($failure) ? $failure : null %}",
  });
}

/** A state of the task machine: invokes the function of all tasks with the task's id. */
export function task(options: StepOptions): TaskState {
  return invoke("task", OTHER_FUNCTIONS.task, options, {
    task: "{% $states.context.Execution.Input.task %}",
    error: "{% $exists($failure) ? $failure : null %}",
  });
}

function invoke(
  name: string,
  limits: FunctionLimits,
  options: StepOptions,
  payload: Record<string, Expression>,
): TaskState {
  const { waitForToken, assign, comment, next, onFailure } = options;
  return {
    Type: "Task",
    Comment: comment,
    Resource: waitForToken
      ? "arn:aws:states:::lambda:invoke.waitForTaskToken"
      : "arn:aws:states:::lambda:invoke",
    Arguments: {
      FunctionName: name,
      Payload: {
        ...payload,
        ...(waitForToken ? { token: "{% $states.context.Task.Token %}" } : {}),
      },
    },
    TimeoutSeconds: options.timeoutSeconds ?? limits.timeoutSeconds + 30,
    ...(assign ? { Assign: assign } : {}),
    Retry: retriers(),
    Catch: catchers(onFailure),
    Next: next,
  };
}

/** Every step is safe to run again; what differs is only how long it makes sense to. */
function retriers(): Retrier[] {
  return [
    {
      ErrorEquals: [
        ...retryableCodes(),
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
        "Lambda.ClientExecutionTimeoutException",
      ],
      IntervalSeconds: 1,
      BackoffRate: 2,
      MaxAttempts: 6,
      MaxDelaySeconds: 20,
      JitterStrategy: "FULL",
    },
    // A sandbox that died or ran out of time: once more, for a second death has a cause that a third would share.
    {
      ErrorEquals: ["Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError", "Runtime.OutOfMemory"],
      IntervalSeconds: 1,
      MaxAttempts: 1,
    },
  ];
}

/** States.ALL does not stand for a time-out of the state everywhere, so both kinds are named. */
function catchers(next: string): Catcher[] {
  // Not `error`: that is a function of JSONata.
  const Assign = { failure: "{% $states.errorOutput %}" };
  return [
    { ErrorEquals: ["States.Timeout", "States.HeartbeatTimeout"], Assign, Next: next },
    { ErrorEquals: ["States.ALL"], Assign, Next: next },
  ];
}

/** A fork; conditions are JSONata without the braces. */
export function choice(ways: [condition: string, next: string][], otherwise: string): ChoiceState {
  return {
    Type: "Choice",
    Choices: ways.map(([condition, next]) => ({ Condition: `{% ${condition} %}`, Next: next })),
    Default: otherwise,
  };
}

export function success(): SucceedState {
  return { Type: "Succeed" };
}

/** An end that is not the one hoped for, told as the execution's error. */
export function ending(error: string, cause: Expression): FailState {
  return { Type: "Fail", Error: error, Cause: cause };
}
