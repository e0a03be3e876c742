/** What calls functions by itself: rules on what happens, and the clock. Deployed, and run on this machine, from here. */
import { NOTICE_EVENTS } from "../core/notice.ts";
import type { FunctionName } from "./modules.ts";

export interface EventRule {
  name: string;
  /** `own` is the bus of the outbox; `default` is the account's, where Step Functions tells of executions. */
  bus: "own" | "default";
  /** EventBridge's own language. A rule on the account's bus hears of this deployment's machines only. */
  pattern: { source?: string[]; "detail-type": string[]; detail?: Record<string, string[]> };
  /** The function that is handed the event. */
  calls: FunctionName;
}

export const RULES = [
  {
    name: "execution-ended",
    bus: "default",
    pattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"] },
    },
    calls: "reconcile",
  },
  {
    name: "people-to-tell",
    bus: "own",
    pattern: { source: ["rehearsal"], "detail-type": [...NOTICE_EVENTS] },
    calls: "notify",
  },
  {
    // Whatever its source: an application's own, or ours, of what was told to the API.
    name: "record-archived",
    bus: "own",
    pattern: { "detail-type": ["record.archived"] },
    calls: "archived",
  },
] as const satisfies EventRule[];

/** How soon a function of the clock comes: `mending` does soon what an event should have set off, `keeping` is no haste. */
type Pace = "mending" | "keeping";

/** Which functions the clock calls; some of them are called by rules as well. */
export const CLOCK = {
  reconcile: "mending",
  sweep: "keeping",
  notify: "mending",
  drift: "keeping",
  expire: "keeping",
  audit: "keeping",
  drain: "mending",
} as const satisfies Partial<Record<FunctionName, Pace>>;

export type ClockFunction = keyof typeof CLOCK;

export const CLOCK_FUNCTIONS = Object.keys(CLOCK) as ClockFunction[];
