/**
 * How our states are written: every step is retried the same way, and no failure is left without a way to go.
 *
 * Long because each kind of state that we use stands here once, beside what retries and catches it.
 */
import { retryableCodes } from "../core/errors.ts";
import type { Compute } from "../core/policy.ts";
import type { Step } from "../core/steps.ts";
import type {
  Catcher,
  ChoiceState,
  ContainerRun,
  Expression,
  FailState,
  FunctionCall,
  MapState,
  ParallelState,
  Retrier,
  States,
  SucceedState,
  TaskState,
  WaitState,
} from "./asl.ts";
import { CONTAINER, type FunctionLimits, LONG_STEPS, OTHER_FUNCTIONS, STEP_FUNCTIONS } from "./functions.ts";

/** Which of its twins a machine is, and what its containers are held to. */
export interface MachineOptions {
  compute?: Compute;
  /** Seconds; those of `CONTAINER` when left out. */
  heartbeatSeconds?: number;
}

/** What each state says. */
export interface StateOptions {
  comment: string;
  assign?: Record<string, Expression>;
  /** Undefined at the end of a branch. */
  next: string | undefined;
  /** Undefined where what stands around it answers the failure. */
  onFailure: string | undefined;
  /** The variable of the failure, where it is not the machine's own: within a Map or a Parallel none of outside can be assigned. */
  failure?: string;
}

interface StepOptions extends StateOptions {
  waitForToken?: true;
  timeoutSeconds?: Expression;
  /** What it may take in a container; the most that any may when left out. */
  containerSeconds?: Expression;
  /** As every step's when left out. */
  retry?: Retrier[];
}

export type StepState = (name: Step, options: StepOptions) => TaskState;

const LONG: ReadonlySet<Step> = new Set(LONG_STEPS);

/** The steps of a machine: each invokes the function of its name with the promotion's id, or has the container do what it does. */
export function stepsOn({ compute = "lambda", heartbeatSeconds }: MachineOptions): StepState {
  return (name, options) => {
    if (compute === "fargate" && LONG.has(name))
      return run(name, "promotion", options.containerSeconds, heartbeatSeconds, options);
    const payload = {
      promotion: "{% $states.context.Execution.Input.promotion %}",
      error: "{% $exists($failure) ? $failure : null %}",
      ...(options.waitForToken ? { token: "{% $states.context.Task.Token %}" } : {}),
    };
    return invoke(name, STEP_FUNCTIONS[name], payload, options);
  };
}

/** The task machine's work, by the function of all tasks with the task's id, or by the container. */
export function work(
  { compute = "lambda", heartbeatSeconds }: MachineOptions,
  options: StateOptions,
): TaskState {
  return compute === "fargate" ? run("task", "task", undefined, heartbeatSeconds, options) : task(options);
}

/** A state of the task machine: invokes the function of all tasks with the task's id. */
export function task(options: StateOptions): TaskState {
  const payload = {
    task: "{% $states.context.Execution.Input.task %}",
    error: "{% $exists($failure) ? $failure : null %}",
  };
  return invoke("task", OTHER_FUNCTIONS.task, payload, options);
}

/** Invokes the function that copies beside the step back-up, for one of the items of a Map. */
export function worker(options: StateOptions): TaskState {
  const payload = {
    promotion: "{% $states.context.Execution.Input.promotion %}",
    worker: "{% $states.context.Map.Item.Value %}",
  };
  // Others do its work meanwhile, and the step waits for its end: neither is worth much patience.
  const retry = [
    { ErrorEquals: [...TRANSIENT, ...DEATHS], IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 2 },
  ];
  return invoke("back-up-worker", OTHER_FUNCTIONS["back-up-worker"], payload, { ...options, retry });
}

/** Invokes one of our functions, as every state does. */
export function invoke(
  name: string,
  limits: FunctionLimits,
  payload: Record<string, Expression>,
  options: StepOptions,
): TaskState {
  const call: FunctionCall = {
    Resource: options.waitForToken
      ? "arn:aws:states:::lambda:invoke.waitForTaskToken"
      : "arn:aws:states:::lambda:invoke",
    Arguments: { FunctionName: name, Payload: payload },
  };
  const seconds = options.timeoutSeconds ?? limits.timeoutSeconds + 30;
  return state(call, seconds, options.assign, options.retry ?? functionRetriers(), options);
}

/**
 * The container's answer is its outcome itself, where a function's stands in `Payload`. Names stand for what a deployment
 * binds: the cluster, the task definition, the subnets and the security groups.
 */
function run(
  name: string,
  subject: "promotion" | "task",
  containerSeconds: Expression | undefined,
  heartbeatSeconds: number | undefined,
  options: StateOptions,
): TaskState {
  const seconds = containerSeconds ?? CONTAINER.timeoutSeconds;
  const heartbeat = heartbeatSeconds ?? CONTAINER.heartbeatSeconds;
  const order: Record<string, Expression> = {
    REHEARSAL_STEP: name,
    REHEARSAL_INPUT: `{% $string({'${subject}': $states.context.Execution.Input.${subject}, 'error': ${FAILURE}}) %}`,
    REHEARSAL_TASK_TOKEN: "{% $states.context.Task.Token %}",
    REHEARSAL_HEARTBEAT_SECONDS: String(heartbeat),
    REHEARSAL_STEP_SECONDS:
      typeof seconds === "number" ? String(seconds) : seconds.replace(/^\{% (.*) %\}$/, "{% $string($1) %}"),
  };
  const call: ContainerRun = {
    Resource: "arn:aws:states:::ecs:runTask.waitForTaskToken",
    Arguments: {
      Cluster: "cluster",
      TaskDefinition: "container",
      LaunchType: "FARGATE",
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          AssignPublicIp: "DISABLED",
          SecurityGroups: ["security-group"],
          Subnets: ["subnet"],
        },
      },
      Overrides: {
        ContainerOverrides: [
          {
            Name: CONTAINER.name,
            Environment: Object.entries(order).map(([Name, Value]) => ({ Name, Value })),
          },
        ],
      },
    },
    HeartbeatSeconds: heartbeat,
  };
  const assign = Object.fromEntries(
    Object.entries(options.assign ?? {}).map(([variable, value]) => [
      variable,
      value.replace("$states.result.Payload", "$states.result"),
    ]),
  );
  return state(call, seconds, options.assign && assign, containerRetriers(), options);
}

/** ECS takes 8,192 characters of overrides and no more, and a cause may be longer by itself: the ledger has it whole. */
const FAILURE =
  "$exists($failure) ? {'Error': $failure.Error, 'Cause': $substring($string($failure.Cause), 0, 500)} : null";

function state(
  call: FunctionCall | ContainerRun,
  TimeoutSeconds: number | Expression,
  assign: Record<string, Expression> | undefined,
  Retry: Retrier[],
  { comment, next, onFailure, failure }: StateOptions,
): TaskState {
  return {
    Type: "Task",
    Comment: comment,
    ...call,
    TimeoutSeconds,
    ...(assign ? { Assign: assign } : {}),
    Retry,
    ...(onFailure !== undefined && { Catch: catchers(onFailure, failure) }),
    ...way(next),
  };
}

function way(next: string | undefined): { Next: string } | { End: true } {
  return next === undefined ? { End: true } : { Next: next };
}

/** The service did not take the call, or lost it. */
const TRANSIENT = [
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
  "Lambda.ClientExecutionTimeoutException",
];

/** How a sandbox's death is told. */
const DEATHS = ["Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError", "Runtime.OutOfMemory"];

/** Every step is safe to run again; what differs is only how long it makes sense to. */
function functionRetriers(): Retrier[] {
  return [
    {
      ErrorEquals: [...retryableCodes(), ...TRANSIENT],
      ...PATIENTLY,
    },
    // A sandbox that died or ran out of time: once more, for a second death has a cause that a third would share.
    { ErrorEquals: DEATHS, IntervalSeconds: 1, MaxAttempts: 1 },
  ];
}

function containerRetriers(): Retrier[] {
  return [
    // What was stopped from outside has done nothing wrong: Fargate takes its machines out of service when it must.
    { ErrorEquals: [...retryableCodes(), "Container.Stopped"], ...PATIENTLY },
    // The service did not start it. A zone that has no room for it now may have some in a few minutes.
    {
      ErrorEquals: [
        "AmazonECS.Unknown",
        "ECS.AmazonECSException",
        "ECS.ServerException",
        "ECS.SdkClientException",
        "ECS.ThrottlingException",
      ],
      IntervalSeconds: 5,
      BackoffRate: 2,
      MaxAttempts: 12,
      MaxDelaySeconds: 60,
      JitterStrategy: "FULL",
    },
    // It was not heard of any more, or never: it was killed, ran out of memory, or its image could not be fetched.
    { ErrorEquals: ["States.HeartbeatTimeout"], IntervalSeconds: 1, MaxAttempts: 1 },
  ];
}

const PATIENTLY = {
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxAttempts: 6,
  MaxDelaySeconds: 20,
  JitterStrategy: "FULL",
} as const;

/** States.ALL does not stand for a time-out of the state everywhere, so both kinds are named. */
export function catchers(next: string, variable = "failure"): Catcher[] {
  // Not `error`: that is a function of JSONata.
  const Assign = { [variable]: "{% $states.errorOutput %}" };
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

/** Waits until an instant. */
export function waitUntil(
  Timestamp: Expression,
  options: { comment: string; assign?: Record<string, Expression>; next: string },
): WaitState {
  const { comment, assign, next } = options;
  return { Type: "Wait", Comment: comment, Timestamp, ...(assign && { Assign: assign }), Next: next };
}

/** Does what the processor says with each item, so many at once; of what they come to nothing is carried on. */
export function map(options: {
  comment: string;
  items: Expression;
  atOnce: number;
  processor: States;
  next: string | undefined;
  onFailure: string;
  failure?: string;
}): MapState {
  return {
    Type: "Map",
    Comment: options.comment,
    Items: options.items,
    MaxConcurrency: options.atOnce,
    ItemProcessor: { ProcessorConfig: { Mode: "INLINE" }, ...options.processor },
    Output: {},
    Catch: catchers(options.onFailure, options.failure),
    ...way(options.next),
  };
}

/** Does what the branches say, all at once; of what they come to nothing is carried on. */
export function parallel(options: {
  comment: string;
  branches: States[];
  next: string;
  onFailure: string;
}): ParallelState {
  return {
    Type: "Parallel",
    Comment: options.comment,
    Branches: options.branches,
    Output: {},
    Catch: catchers(options.onFailure),
    Next: options.next,
  };
}

export function success(): SucceedState {
  return { Type: "Succeed" };
}

/** An end that is not the one hoped for, told as the execution's error. */
export function ending(error: string, cause: Expression): FailState {
  return { Type: "Fail", Error: error, Cause: cause };
}
