/** How often the clock calls each function: what a stage pays while nobody uses it is decided here. */
import { CLOCK, CLOCK_FUNCTIONS, type ClockFunction } from "../workflows/calls.ts";
import type { Settings } from "./settings.ts";

/**
 * How often each is called. A control database that pauses is woken by each call and is paid for until it pauses again, so
 * there those that mend what was left half done, which mostly the bus has called already, come once an hour; beside a
 * database that is always there, every minute. The others come once a day.
 */
export function ratesOf({ clock, controlDatabase }: Settings): Record<ClockFunction, string> {
  const rates = {
    mending: controlDatabase.kind === "aurora" ? "rate(1 hour)" : "rate(1 minute)",
    keeping: "rate(1 day)",
  };
  return Object.fromEntries(
    CLOCK_FUNCTIONS.map((name) => [name, clock[name] ?? rates[CLOCK[name]]]),
  ) as Record<ClockFunction, string>;
}
