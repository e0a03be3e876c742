/** The part of Amazon States Language this engine runs, as types: what a definition is once it was read. */
import type { Json } from "../../core/canonical-json.ts";

export interface Definition extends Machine {
  Comment?: string;
  TimeoutSeconds?: number;
}

/** States with a start: the definition itself, a branch of a Parallel, the processor of a Map. */
export interface Machine {
  StartAt: string;
  States: Record<string, State>;
}

interface Common {
  Output?: Json;
  Assign?: Record<string, Json>;
  Next?: string;
}

interface Recoverable extends Common {
  Retry?: Retrier[];
  Catch?: Catcher[];
}

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxAttempts?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: "FULL" | "NONE";
}

export interface Catcher {
  ErrorEquals: string[];
  Next: string;
  Assign?: Record<string, Json>;
  Output?: Json;
}

export interface ChoiceRule extends Common {
  Condition: string | boolean;
  Next: string;
}

export interface PassState extends Common {
  Type: "Pass";
}
export interface SucceedState extends Common {
  Type: "Succeed";
}
export interface FailState {
  Type: "Fail";
  Error?: string;
  Cause?: string;
}
export interface ChoiceState extends Common {
  Type: "Choice";
  Choices: ChoiceRule[];
  Default?: string;
}
export interface WaitState extends Common {
  Type: "Wait";
  Seconds?: number | string;
  Timestamp?: string;
}
export interface TaskState extends Recoverable {
  Type: "Task";
  Resource: string;
  Arguments?: Json;
  TimeoutSeconds?: number | string;
  HeartbeatSeconds?: number | string;
}
export interface ParallelState extends Recoverable {
  Type: "Parallel";
  Branches: Machine[];
  Arguments?: Json;
}
export interface MapState extends Recoverable {
  Type: "Map";
  ItemProcessor: Machine & { ProcessorConfig?: { Mode?: "INLINE" | "DISTRIBUTED" } };
  Items?: Json;
  ItemSelector?: Json;
  MaxConcurrency?: number | string;
  ToleratedFailureCount?: number | string;
  ToleratedFailurePercentage?: number | string;
}

export type State =
  | PassState
  | SucceedState
  | FailState
  | ChoiceState
  | WaitState
  | TaskState
  | ParallelState
  | MapState;

export type RecoverableState = TaskState | ParallelState | MapState;
