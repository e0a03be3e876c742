/** How far a batch is, for whoever watches, and how long it will take at its present pace. */
import type { BatchDirective } from "./batch-directive.ts";
import { predictSeconds } from "./batch-pace.ts";
import type { Progress } from "./progress.ts";

/** What is known of a batch between two slices. */
export interface BatchStanding {
  visited: number;
  expected: number;
  slices: number;
  /** Spent in slices, not between them. */
  milliseconds: number;
}

/** The rows gone over, of how many, and the seconds left with the rests that the directive asks for. */
export function batchProgress(
  path: string,
  standing: BatchStanding,
  pace: Pick<BatchDirective, "rate" | "pause">,
): Progress {
  const { visited, expected } = standing;
  const left = secondsLeft(standing, pace);
  const spent = predictSeconds(standing, pace);
  return {
    done: { bytes: 0, rows: visited },
    total: { bytes: 0, rows: Math.max(expected, visited) },
    now: path,
    ...(spent > 0 && { rowsPerSecond: Math.round(visited / spent) }),
    ...(left !== undefined && { secondsLeft: Math.ceil(left) }),
  };
}

/** Undefined until a slice had rows. */
export function secondsLeft(
  { visited, expected, slices, milliseconds }: BatchStanding,
  pace: Pick<BatchDirective, "rate" | "pause">,
): number | undefined {
  if (visited === 0) return undefined;
  const rest = Math.max(0, expected - visited);
  const share = rest / visited;
  return predictSeconds({ visited: rest, slices: slices * share, milliseconds: milliseconds * share }, pace);
}
