/** Which module of `functions/` each function runs: what is bundled, deployed and run on this machine is told here once. */
import { STEPS, type Step } from "../core/steps.ts";
import { type FunctionLimits, OTHER_FUNCTIONS, STEP_FUNCTIONS } from "./functions.ts";

export type FunctionName = Step | keyof typeof OTHER_FUNCTIONS;

const OTHER_MODULES: Record<keyof typeof OTHER_FUNCTIONS, string> = {
  api: "api/main.ts",
  "back-up-worker": "workers/back-up.ts",
  look: "look/main.ts",
  reconcile: "events/reconcile.ts",
  sweep: "events/sweep.ts",
  notify: "events/notify.ts",
  drift: "events/drift.ts",
  expire: "events/expire.ts",
  audit: "events/audit.ts",
  task: "tasks/main.ts",
  prune: "prune/main.ts",
  archived: "events/archived.ts",
  drain: "events/drain.ts",
  answer: "events/answer.ts",
  prepare: "events/prepare.ts",
  rebuild: "events/rebuild.ts",
};

/** Each function's module, as a path within `functions/`; it exports `handler`. A step's file has the step's name. */
export const MODULES = {
  ...Object.fromEntries(STEPS.map((step) => [step, `steps/${step}.ts`])),
  ...OTHER_MODULES,
} as Record<FunctionName, string>;

/** The limits of each function. */
export const LIMITS: Record<FunctionName, FunctionLimits> = { ...STEP_FUNCTIONS, ...OTHER_FUNCTIONS };

/** Every function's name: the steps in their order, then the others. */
export const FUNCTION_NAMES = Object.keys(MODULES) as FunctionName[];
