/** Times as SQLite has them, for it has no type for them: texts in several styles, and numbers that count from somewhere. */
import type { ColumnMapping } from "./sqlite-mapping.ts";
import type { Stored } from "./sqlite-values.ts";
import { offsetOf, readTime } from "./timestamp-text.ts";

/** Microseconds since 1970 in UTC. */
export type ReadInstant = { instant: bigint; rounded: boolean } | { problem: string };

/** Seconds of a number of which nobody said what it counts: until 2100. More of them are likelier to be milliseconds. */
const PLAUSIBLE = 4_102_444_800n;

const PER_UNIT: Record<string, bigint> = {
  "epoch-seconds": 1_000_000n,
  "epoch-milliseconds": 1_000n,
  "epoch-microseconds": 1n,
};

/** Days from the beginning of the Julian period to 1970. */
const JULIAN = 2_440_587.5;

/** Reads a stored value as an instant. */
export function readSqliteTime(
  stored: Exclude<Stored, { kind: "n" }>,
  { as, zone, formats }: ColumnMapping,
): ReadInstant {
  if (stored.kind === "b") return { problem: "a blob where a time is wanted" };
  if (stored.kind === "t") {
    const read = readTime(stored.value, formats);
    if (read !== undefined) {
      const offset = BigInt(read.offset ?? offsetOf(zone)) * 60_000_000n;
      return { instant: read.microseconds - offset, rounded: read.rounded };
    }
    if (as === undefined || !/^-?\d{1,18}(?:\.\d{1,9})?$/.test(stored.value))
      return { problem: "a text that is no time" };
    return counted(stored.value.includes(".") ? Number(stored.value) : BigInt(stored.value), as);
  }
  if (as !== undefined) return counted(stored.value, as);
  if (stored.kind === "r") return { problem: "a real number as a time; say what it counts, by as:" };
  if (stored.value > PLAUSIBLE || stored.value < -PLAUSIBLE)
    return { problem: "a number too large for seconds since 1970; say what it counts, by as:" };
  return counted(stored.value, "epoch-seconds");
}

function counted(value: bigint | number, as: string): ReadInstant {
  const per = PER_UNIT[as];
  if (typeof value === "bigint" && per !== undefined) return { instant: value * per, rounded: false };
  const micros =
    per === undefined
      ? // To the millisecond, as SQLite itself: a double has no more of a Julian day.
        Math.round((Number(value) - JULIAN) * 86_400_000) * 1_000
      : Math.round(Number(value) * Number(per));
  return Number.isSafeInteger(micros)
    ? { instant: BigInt(micros), rounded: false }
    : { problem: "a number that is no time" };
}
