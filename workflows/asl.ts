/** The parts of Amazon States Language that our machines use, in JSONata, as plain data. */

/** A JSONata expression between `{% %}`, or a literal. */
export type Expression = string;

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxAttempts?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: "FULL";
}

export interface Catcher {
  ErrorEquals: string[];
  Assign?: Record<string, Expression>;
  Next: string;
}

/** A Task that has a function invoked. */
export interface FunctionCall {
  Resource: "arn:aws:states:::lambda:invoke" | "arn:aws:states:::lambda:invoke.waitForTaskToken";
  Arguments: { FunctionName: string; Payload: Record<string, Expression> };
}

/** A Task that has a container run, which answers by the task token. */
export interface ContainerRun {
  Resource: "arn:aws:states:::ecs:runTask.waitForTaskToken";
  Arguments: {
    Cluster: string;
    TaskDefinition: string;
    LaunchType: "FARGATE";
    NetworkConfiguration: {
      AwsvpcConfiguration: { AssignPublicIp: "DISABLED"; SecurityGroups: string[]; Subnets: string[] };
    };
    Overrides: { ContainerOverrides: { Name: string; Environment: { Name: string; Value: Expression }[] }[] };
  };
  /** Seconds without a word from the container, after which it counts as dead. */
  HeartbeatSeconds: number;
}

export type TaskState = (FunctionCall | ContainerRun) & {
  Type: "Task";
  Comment?: string;
  TimeoutSeconds: number | Expression;
  Assign?: Record<string, Expression>;
  Output?: Expression;
  Retry: Retrier[];
  /** Left out within a Parallel, whose own catches what fails in it. */
  Catch?: Catcher[];
} & Way;

/** Where a state leads: to another one, or to the end of the branch that it stands in. */
interface Way {
  Next?: string;
  End?: true;
}

export interface ChoiceState {
  Type: "Choice";
  Comment?: string;
  Choices: { Condition: Expression; Next: string }[];
  Default: string;
}

export interface SucceedState {
  Type: "Succeed";
  Comment?: string;
}

export interface FailState {
  Type: "Fail";
  Comment?: string;
  Error: string;
  Cause: Expression;
}

/** Waits until an instant, ISO 8601; one that is over is not waited for. */
export interface WaitState {
  Type: "Wait";
  Comment?: string;
  Timestamp: Expression;
  Assign?: Record<string, Expression>;
  Next: string;
}

/** Does the same with each of several items, some at once. */
export interface MapState extends Way {
  Type: "Map";
  Comment?: string;
  Items: Expression;
  MaxConcurrency: number;
  ItemProcessor: { ProcessorConfig: { Mode: "INLINE" } } & States;
  /** Of what the items have come to nothing is carried on. */
  Output: Record<never, never>;
  Catch: Catcher[];
}

/** Does several things at once, and is done when all are; when one fails, it fails as that one does, and the others are left. */
export interface ParallelState {
  Type: "Parallel";
  Comment?: string;
  Branches: States[];
  /** Of what the branches have come to nothing is carried on. */
  Output: Record<never, never>;
  Catch: Catcher[];
  Next: string;
}

export type State = TaskState | ChoiceState | WaitState | MapState | ParallelState | SucceedState | FailState;

/** A machine, a branch of a Parallel, or what a Map does with one of its items. */
export interface States {
  StartAt: string;
  States: Record<string, State>;
}

/** Every task of a machine, those within Maps and Parallels as well. */
export function tasksOf({ States }: Pick<States, "States">): TaskState[] {
  return Object.values(States).flatMap((state) => {
    if (state.Type === "Map") return tasksOf(state.ItemProcessor);
    if (state.Type === "Parallel") return state.Branches.flatMap(tasksOf);
    return state.Type === "Task" ? [state] : [];
  });
}

export interface StateMachine extends States {
  Comment: string;
  QueryLanguage: "JSONata";
  TimeoutSeconds: number;
}
