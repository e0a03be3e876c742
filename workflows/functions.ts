/** The limits of each function, by the step's name: seconds it may run, and megabytes it may take. */
import { FUNCTION_SECONDS } from "../core/policy.ts";
import type { Step } from "../core/steps.ts";

export interface FunctionLimits {
  timeoutSeconds: number;
  memoryMb: number;
}

const quick: FunctionLimits = { timeoutSeconds: 60, memoryMb: 512 };
const long: FunctionLimits = { timeoutSeconds: FUNCTION_SECONDS, memoryMb: 2048 };

/** The steps that may last, and run in the container where an environment's policy says so: those whose functions live longest. */
export const LONG_STEPS = [
  "snapshot",
  "back-up",
  "restore",
  "rehearse",
  "fence",
  "migrate",
  "verify",
  "roll-back",
] as const satisfies readonly Step[];

/** The one container, which has one step done and ends. */
export const CONTAINER = {
  /** Its name in the task definition. */
  name: "step",
  /** The way back, and a task beside promotions, are given the most; a promotion's other steps what its policy says. */
  timeoutSeconds: 60 * 60 * 24 * 7,
  /** Long enough for its image to be fetched; it tells that it lives three times as often. */
  heartbeatSeconds: 300,
  memoryMb: 4096,
  /** In 1,024ths of a processor. */
  cpu: 2048,
} as const;

/** One function per step. */
export const STEP_FUNCTIONS: Record<Step, FunctionLimits> = {
  admit: { timeoutSeconds: 120, memoryMb: 1024 },
  snapshot: long,
  "back-up": long,
  restore: long,
  rehearse: long,
  decide: quick,
  fence: long,
  migrate: long,
  verify: long,
  open: { timeoutSeconds: 300, memoryMb: 512 },
  "put-away": { timeoutSeconds: 300, memoryMb: 512 },
  refuse: { timeoutSeconds: 300, memoryMb: 512 },
  "roll-back": long,
  hold: quick,
};

/**
 * The others: the API behind the gateway, what looks into databases for it, what answers events and the clock, and what
 * does the tasks beside promotions.
 */
export const OTHER_FUNCTIONS: Record<
  | "api"
  | "back-up-worker"
  | "look"
  | "reconcile"
  | "sweep"
  | "notify"
  | "drift"
  | "expire"
  | "audit"
  | "task"
  | "prune"
  | "archived"
  | "drain"
  | "answer"
  | "prepare"
  | "rebuild",
  FunctionLimits
> = {
  api: { timeoutSeconds: 29, memoryMb: 512 },
  // Copies beside the step `back-up`.
  "back-up-worker": long,
  // The API waits for its answer, and has to give one itself.
  look: { timeoutSeconds: 28, memoryMb: 1024 },
  reconcile: { timeoutSeconds: 120, memoryMb: 512 },
  sweep: { timeoutSeconds: 300, memoryMb: 512 },
  notify: quick,
  drift: { timeoutSeconds: 300, memoryMb: 1024 },
  expire: quick,
  audit: { timeoutSeconds: 300, memoryMb: 512 },
  task: long,
  prune: long,
  // What was told of archived records: one word of the bus, or by the clock whatever is waiting.
  archived: { timeoutSeconds: 120, memoryMb: 512 },
  drain: { timeoutSeconds: 300, memoryMb: 512 },
  // Hands on what the container says of its step.
  answer: quick,
  // Once a deployment, before the rest of it is live.
  prepare: { timeoutSeconds: 300, memoryMb: 512 },
  // By an operator, when the control database is lost: it reads all that there is of the ledger's copy.
  rebuild: long,
};
