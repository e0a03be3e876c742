/** Puts what is deployed into a definition, which names functions and the container by their names alone. */
import { type State, type StateMachine, type TaskState, tasksOf } from "./asl.ts";
import type { FunctionName } from "./modules.ts";

/** The alias of every function and machine: executions are started on it, and stay on the version that it pointed to. */
export const LIVE = "live";

/** What the names stand for. */
export interface Bindings {
  /** The ARN of a function's version. */
  functionArn(name: FunctionName): string;
  /** What runs the long steps of the machines with `-fargate`. */
  container?: { cluster: string; taskDefinition: string; securityGroups: string[]; subnets: string[] };
}

/** The definition with every name bound; nothing else of it is touched. Throws for a container that is not there. */
export function bind(definition: StateMachine, bindings: Bindings): StateMachine {
  return { ...definition, States: bindStates(definition.States, bindings) };
}

/** The functions that the definition calls, each once. */
export function functionsOf(definition: StateMachine): FunctionName[] {
  const called = tasksOf(definition).flatMap((state) =>
    "FunctionName" in state.Arguments ? [state.Arguments.FunctionName as FunctionName] : [],
  );
  return [...new Set(called)];
}

function bindStates(states: Record<string, State>, bindings: Bindings): Record<string, State> {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => [name, bindState(state, bindings)]),
  );
}

function bindState(state: State, bindings: Bindings): State {
  if (state.Type === "Task") return bindTask(state, bindings);
  if (state.Type === "Parallel") {
    const branches = state.Branches.map((branch) => ({
      ...branch,
      States: bindStates(branch.States, bindings),
    }));
    return { ...state, Branches: branches };
  }
  if (state.Type !== "Map") return state;
  const { ItemProcessor } = state;
  return {
    ...state,
    ItemProcessor: { ...ItemProcessor, States: bindStates(ItemProcessor.States, bindings) },
  };
}

function bindTask(state: TaskState, { functionArn, container }: Bindings): TaskState {
  if (state.Resource !== "arn:aws:states:::ecs:runTask.waitForTaskToken") {
    const FunctionName = functionArn(state.Arguments.FunctionName as FunctionName);
    return { ...state, Arguments: { ...state.Arguments, FunctionName } };
  }
  if (container === undefined) throw new Error("a machine runs the container, and none is deployed");
  const { AwsvpcConfiguration } = state.Arguments.NetworkConfiguration;
  return {
    ...state,
    Arguments: {
      ...state.Arguments,
      Cluster: container.cluster,
      TaskDefinition: container.taskDefinition,
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          ...AwsvpcConfiguration,
          SecurityGroups: container.securityGroups,
          Subnets: container.subnets,
        },
      },
    },
  };
}
