/** The points a step passes, told to whoever listens in the process: traces in production, the kill schedule in tests. */
import { channel } from "node:diagnostics_channel";
import type { Step } from "../core/steps.ts";
import type { TaskKind } from "../core/tasks.ts";

const milestones = channel("rehearsal:milestone");

export interface Milestone {
  /** The promotion's id, the task's or the prune's; of a notice about neither its destination's name, of the ledger's copy its own. */
  promotion: string;
  step: Step | "back-up-worker" | `task-${TaskKind}` | `prune-${string}` | "create" | "notify" | "copy";
  /** `before` and `after` an effect, or the effect's own word: `committed`, `renamed`. */
  point: string;
}

/** Tells the listeners, synchronously, that a point was passed; costs nothing when nobody listens. */
export function milestone(promotion: string, step: Milestone["step"], point: string): void {
  if (milestones.hasSubscribers) milestones.publish({ promotion, step, point } satisfies Milestone);
}
