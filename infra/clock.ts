/** Which functions the clock and the bus call, and how often: what a stage pays while nobody uses it is decided here. */
import type { FunctionName } from "./deployment.ts";
import type { Settings } from "./settings.ts";

/** Called by schedules; `reconcile` and `notify` by the bus as well. */
export const CLOCK = [
  "reconcile",
  "notify",
  "sweep",
  "drift",
  "expire",
  "audit",
] as const satisfies FunctionName[];

export type ClockFunction = (typeof CLOCK)[number];

/**
 * How often each is called. A control database that pauses is woken by each call and is paid for until it pauses again, so
 * there the two that mend what was left half done, which mostly the bus has called already, come once an hour; beside a
 * database that is always there, every minute.
 */
export function ratesOf({ clock, controlDatabase }: Settings): Record<ClockFunction, string> {
  const mending = controlDatabase.kind === "aurora" ? "rate(1 hour)" : "rate(1 minute)";
  return { reconcile: mending, notify: mending, ...defined(clock) };
}

function defined(clock: Settings["clock"]) {
  const { reconcile, notify, ...daily } = clock;
  return { ...daily, ...(reconcile && { reconcile }), ...(notify && { notify }) };
}
