/** Times as SQLite has them, for it has no type for them: texts in several styles, and numbers that count from somewhere. */
import type { ColumnMapping } from "./sqlite-mapping.ts";
import { type Convert, type Present, same, unfit } from "./sqlite-stored.ts";
import {
  dateText,
  daysOf,
  offsetOf,
  readTime,
  readTimeOfDay,
  timeOfDayText,
  timestampText,
} from "./timestamp-text.ts";

/** For timestamptz and timestamp. */
export const timestamp: Convert = (stored, target, mapping) => {
  const read = readSqliteTime(stored, mapping);
  if ("problem" in read) return read;
  // Where the column knows no zone, it shows the clock of the one that the mapping says.
  const offset = BigInt(offsetOf(mapping.zone)) * 60_000_000n;
  const wanted = target.type === "timestamptz" ? read.instant : read.instant + offset;
  const micros = toDigits(wanted, target.length ?? 6, mapping.rounded);
  if (micros === undefined || (read.rounded && !mapping.rounded))
    return { problem: `a time with more digits than ${target.shown} has` };
  const shown = timestampText(micros);
  if (shown === undefined) return { problem: "a time outside of the years 1 to 9999" };
  return { text: target.type === "timestamptz" ? `${shown}+00` : shown, canonical: String(micros) };
};

export const date: Convert = (stored, target, mapping) => {
  const read = readSqliteTime(stored, mapping);
  if ("problem" in read) return read;
  const [days, rest] = daysOf(read.instant + BigInt(offsetOf(mapping.zone)) * 60_000_000n);
  if ((rest !== 0n || read.rounded) && !mapping.rounded)
    return { problem: `a time of day where ${target.shown} is wanted` };
  if (timestampText(days * 86_400_000_000n) === undefined)
    return { problem: "a day outside of the years 1 to 9999" };
  return { text: dateText(days), canonical: String(days) };
};

export const time: Convert = (stored, target, mapping) => {
  const read = stored.kind === "t" ? readTimeOfDay(stored.value) : undefined;
  if (read === undefined)
    return stored.kind === "t" ? { problem: "a text that is no time of day" } : unfit(stored, target);
  const micros = toDigits(read.microseconds, target.length ?? 6, mapping.rounded);
  if (micros === undefined || (read.rounded && !mapping.rounded))
    return { problem: `a time with more digits than ${target.shown} has` };
  return micros < 86_400_000_000n
    ? same(timeOfDayText(micros))
    : { problem: "a time that rounds to the next day" };
};

/** Microseconds that a column with so many digits behind the second holds; undefined where they would be others and may not. */
function toDigits(microseconds: bigint, digits: number, rounded: boolean): bigint | undefined {
  const by = 10n ** BigInt(6 - digits);
  const rest = ((microseconds % by) + by) % by;
  if (rest === 0n) return microseconds;
  return rounded ? microseconds - rest + (rest * 2n >= by ? by : 0n) : undefined;
}

/** Microseconds since 1970 in UTC. */
type ReadInstant = { instant: bigint; rounded: boolean } | { problem: string };

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
function readSqliteTime(stored: Present, { as, zone, formats }: ColumnMapping): ReadInstant {
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
