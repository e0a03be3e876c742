/** The events of an execution's history, typed and shaped as GetExecutionHistory gives them. */
import type { Json } from "../../core/canonical-json.ts";
import type { Fault } from "./fault.ts";
import { errorOutput, type TaskPlan } from "./interpreter.ts";
import type { State } from "./states-language.ts";

/** An event before it has a number: its type and its one block of details. */
export interface EventDraft {
  type: string;
  details?: Record<string, Json>;
}

export interface HistoryEvent extends EventDraft {
  id: number;
  /** The event that led here; 0 for the first of an execution and for the first state's entry, as AWS numbers them. */
  previousEventId: number;
  /** Milliseconds since 1970. */
  at: number;
}

const whole = { truncated: false };

export function executionStarted(input: string, roleArn: string): EventDraft {
  return {
    type: "ExecutionStarted",
    details: { executionStartedEventDetails: { input, inputDetails: whole, roleArn } },
  };
}

export function stateEntered(state: State, name: string, input: Json): EventDraft {
  return {
    type: `${state.Type}StateEntered`,
    details: { stateEnteredEventDetails: { name, input: JSON.stringify(input), inputDetails: whole } },
  };
}

export function stateExited(
  state: State,
  name: string,
  output: Json,
  assigned: Record<string, Json>,
): EventDraft {
  const written = Object.entries(assigned).map(([variable, value]) => [variable, JSON.stringify(value)]);
  const variables =
    written.length === 0
      ? {}
      : { assignedVariables: Object.fromEntries(written), assignedVariablesDetails: whole };
  return {
    type: `${state.Type}StateExited`,
    details: {
      stateExitedEventDetails: { name, output: JSON.stringify(output), outputDetails: whole, ...variables },
    },
  };
}

/** The service integration's events and the direct function's differ in name and shape; both begin with two at once. */
export function taskScheduled(plan: TaskPlan, region: string): EventDraft[] {
  const deadlines = {
    ...(plan.timeoutSeconds === undefined ? {} : { timeoutInSeconds: plan.timeoutSeconds }),
    ...(plan.heartbeatSeconds === undefined ? {} : { heartbeatInSeconds: plan.heartbeatSeconds }),
  };
  if (plan.kind === "direct")
    return [
      {
        type: "LambdaFunctionScheduled",
        details: {
          lambdaFunctionScheduledEventDetails: {
            resource: plan.functionName,
            input: JSON.stringify(plan.payload),
            inputDetails: whole,
            ...deadlines,
          },
        },
      },
      { type: "LambdaFunctionStarted" },
    ];
  const parameters = JSON.stringify(plan.arguments);
  return [
    {
      type: "TaskScheduled",
      details: { taskScheduledEventDetails: { ...resourceOf(plan), region, parameters, ...deadlines } },
    },
    { type: "TaskStarted", details: { taskStartedEventDetails: resourceOf(plan) } },
  ];
}

export function taskSubmitted(plan: TaskPlan, output: Json): EventDraft {
  return {
    type: "TaskSubmitted",
    details: {
      taskSubmittedEventDetails: {
        ...resourceOf(plan),
        output: JSON.stringify(output),
        outputDetails: whole,
      },
    },
  };
}

export function taskSucceeded(plan: TaskPlan, output: Json): EventDraft {
  const said = { output: JSON.stringify(output), outputDetails: whole };
  if (plan.kind === "direct")
    return { type: "LambdaFunctionSucceeded", details: { lambdaFunctionSucceededEventDetails: said } };
  return { type: "TaskSucceeded", details: { taskSucceededEventDetails: { ...resourceOf(plan), ...said } } };
}

/** `TaskTimedOut` for States.Timeout, else `TaskFailed`; for a direct function the events named after it. */
export function taskFailed(plan: TaskPlan, fault: Fault): EventDraft {
  const ending = fault.Error === "States.Timeout" ? "TimedOut" : "Failed";
  const said = causeOf(fault);
  if (plan.kind === "direct")
    return { type: `LambdaFunction${ending}`, details: { [`lambdaFunction${ending}EventDetails`]: said } };
  return {
    type: `Task${ending}`,
    details: { [`task${ending}EventDetails`]: { ...resourceOf(plan), ...said } },
  };
}

export function evaluationFailed(state: string, fault: Fault, location: string): EventDraft {
  return {
    type: "EvaluationFailed",
    details: { evaluationFailedEventDetails: { ...causeOf(fault), location, state } },
  };
}

export function mapStarted(length: number): EventDraft {
  return { type: "MapStateStarted", details: { mapStateStartedEventDetails: { length } } };
}

/** `MapIterationStarted` and its siblings. */
export function mapIteration(
  ending: "Started" | "Succeeded" | "Failed" | "Aborted",
  name: string,
  index: number,
): EventDraft {
  return {
    type: `MapIteration${ending}`,
    details: { [`mapIteration${ending}EventDetails`]: { name, index } },
  };
}

export function executionSucceeded(output: Json): EventDraft {
  return {
    type: "ExecutionSucceeded",
    details: { executionSucceededEventDetails: { output: JSON.stringify(output), outputDetails: whole } },
  };
}

export function executionEnded(ending: "Failed" | "Aborted" | "TimedOut", fault: Fault): EventDraft {
  return { type: `Execution${ending}`, details: { [`execution${ending}EventDetails`]: causeOf(fault) } };
}

export function executionRedriven(redriveCount: number): EventDraft {
  return { type: "ExecutionRedriven", details: { executionRedrivenEventDetails: { redriveCount } } };
}

function causeOf(fault: Fault): Record<string, Json> {
  const { Error: error, Cause: cause } = errorOutput(fault);
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}

function resourceOf(plan: TaskPlan): { resourceType: string; resource: string } {
  if (plan.kind === "container") return { resourceType: "ecs", resource: "runTask.waitForTaskToken" };
  return {
    resourceType: "lambda",
    resource: plan.kind === "callback" ? "invoke.waitForTaskToken" : "invoke",
  };
}
