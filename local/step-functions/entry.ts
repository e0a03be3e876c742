/** What a journal's line says: a fact, when it became one, and the history events it is seen by. */
import type { Json } from "../../core/canonical-json.ts";
import type { Fault } from "./fault.ts";
import type { HistoryEvent } from "./history.ts";
import type { MapPlan, TaskPlan } from "./interpreter.ts";

export type Status = "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
export type Outcome = { result: Json } | { fault: Fault };

/** One line of the journal: a fact, when it became one, and the history events it is seen by. */
export type Entry = Fact & { at: number; events?: HistoryEvent[] };

export type Fact =
  | { fact: "started"; execution: Identity; definition: string; input: string }
  | { fact: "entered"; frame: string; state: string; input: Json }
  | { fact: "waiting"; frame: string; until: number }
  | { fact: "scheduled"; frame: string; plan: TaskPlan; token?: string }
  | { fact: "submitted" | "heartbeat"; frame: string }
  /** `after` is the event a fork's next event follows: the last of its children's, whatever else was told with it. */
  | { fact: "settled"; frame: string; outcome: Outcome; after?: number }
  | { fact: "forked"; frame: string; fork: MapPlan }
  | { fact: "begun"; frame: string; parent: string; index: number }
  | { fact: "retrying"; frame: string; retrier: number; until: number }
  | { fact: "left"; frame: string; next?: string; output: Json; assigned: Record<string, Json> }
  | { fact: "failed"; frame: string; fault: Fault }
  | { fact: "noted"; frame: string }
  | { fact: "ended"; status: Exclude<Status, "RUNNING">; output?: Json; fault?: Fault }
  | { fact: "announced"; status: Status }
  | { fact: "redriven" };

export interface Identity {
  arn: string;
  name: string;
  machineArn: string;
  machineName: string;
  roleArn: string;
  /** Where it was started on a version, or on an alias that led to one. */
  versionArn?: string;
  aliasArn?: string;
}
