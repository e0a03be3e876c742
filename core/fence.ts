/** When production must be closed to writers, and what that says to the rollback. */
import type { Policy } from "./policy.ts";
import { isSingleTransaction, type Run } from "./runs.ts";

/** `auto` fences exactly when something can still fail after a COMMIT: several runs, or a smoke hook. */
export function needsFence(policy: Policy, runs: readonly Run[]): boolean {
  if (policy.fence !== "auto") return policy.fence === "always";
  return !isSingleTransaction(runs) || policy.hooks.smoke !== undefined;
}
