/** How large the next slice of a batch is, how long it rests first, and what that makes of the whole. */
import type { BatchDirective } from "./batch-directive.ts";

/** A slice aims at this: short enough that nobody who waits for one of its rows notices, long enough to be worth a commit. */
const SLICE_MILLISECONDS = 200;

/** Never smaller than a sixteenth of what the directive says, never larger. */
export function leastSize(largest: number): number {
  return Math.max(1, Math.ceil(largest / 16));
}

/** After a slice that went well: towards the time aimed at, and half as large where others waited for its rows. */
export function sizeAfter(
  size: number,
  largest: number,
  slice: { milliseconds: number; waiting: number },
): number {
  if (slice.waiting > 0) return smaller(size, largest);
  const factor = Math.min(2, Math.max(0.5, SLICE_MILLISECONDS / Math.max(1, slice.milliseconds)));
  return Math.min(largest, Math.max(leastSize(largest), Math.round(size * factor)));
}

/** After a slice that was taken back: fewer rows meet fewer locks. */
export function smaller(size: number, largest: number): number {
  return Math.max(leastSize(largest), Math.floor(size / 2));
}

/** Milliseconds to rest after a slice: until its rows are paid for by the rate, and the pause at least. */
export function restAfter(
  slice: { visited: number; milliseconds: number },
  { rate, pause }: Pick<BatchDirective, "rate" | "pause">,
): number {
  const owed = rate === undefined ? 0 : (slice.visited / rate) * 1_000 - slice.milliseconds;
  return Math.max(pause, owed);
}

/** Seconds that a batch takes with its rests, by what it took without them. */
export function predictSeconds(
  measured: { visited: number; slices: number; milliseconds: number },
  { rate, pause }: Pick<BatchDirective, "rate" | "pause">,
): number {
  const worked = (measured.milliseconds + measured.slices * pause) / 1_000;
  return rate === undefined ? worked : Math.max(worked, measured.visited / rate);
}
