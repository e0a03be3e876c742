/** Times as old programs have written them, read to the microsecond, and as Postgres is told them. */

const MICROSECONDS = 1_000_000n;
const DAY = 86_400n * MICROSECONDS;

/** 0001-01-01 and 9999-12-31, the years that four digits name. */
const [FIRST, LAST] = [-62_135_596_800n * MICROSECONDS, 253_402_300_800n * MICROSECONDS - 1n];

interface ReadTime {
  /** Since 1970, as the clock shows it where it was written. */
  microseconds: bigint;
  /** Minutes east of UTC, where the text says so. */
  offset?: number;
  /** True when it names a day and no time of it. */
  day: boolean;
  /** True when there were digits behind the microseconds. */
  rounded: boolean;
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)? ?(?:(Z|UTC)|([+-])(\d\d):?(\d\d)?)?)?$/;

/** ISO 8601 in the forms that programs write, or one of the formats; undefined for what is no time. */
export function readTime(text: string, formats: readonly string[] = []): ReadTime | undefined {
  const found = ISO.exec(text);
  if (found !== null) {
    const [, year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes] = found;
    const read = assemble({ year, month, day, hour, minute, second, fraction });
    if (read === undefined || sign === undefined) return read && { ...read, ...(utc && { offset: 0 }) };
    if (Number(hours) > 15 || Number(minutes ?? 0) > 59) return undefined;
    return { ...read, offset: (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) };
  }
  for (const format of formats) {
    const parts = patternOf(format).exec(text)?.groups;
    const read = parts && assemble(parts);
    if (read !== undefined) return read;
  }
  return undefined;
}

/** Microseconds of a time of day, `08:15`, `08:15:30.25`; undefined for what is none. */
export function readTimeOfDay(text: string): { microseconds: bigint; rounded: boolean } | undefined {
  const found = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?$/.exec(text);
  const [, hour, minute, second, fraction] = found ?? [];
  const read = found && assemble({ year: "1970", month: "01", day: "01", hour, minute, second, fraction });
  return read ?? undefined;
}

/** The instant as Postgres reads it, whatever its settings: `2026-03-01 08:00:00.5+00`; undefined outside of the years 1 to 9999. */
export function timestampText(microseconds: bigint): string | undefined {
  if (microseconds < FIRST || microseconds > LAST) return undefined;
  const [days, rest] = floored(microseconds, DAY);
  return `${dateText(days)} ${timeOfDayText(rest)}`;
}

/** The day that is so many days after 1970-01-01. */
export function dateText(days: bigint): string {
  return new Date(Number(days) * 86_400_000).toISOString().slice(0, 10);
}

/** As Postgres shows a time: without zeros behind the last digit of its fraction. */
export function timeOfDayText(microseconds: bigint): string {
  const [seconds, fraction] = floored(microseconds, MICROSECONDS);
  const two = (value: bigint) => String(value).padStart(2, "0");
  const clock = `${two(seconds / 3_600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === 0n ? clock : `${clock}.${String(fraction).padStart(6, "0").replace(/0+$/, "")}`;
}

/** Whole days of an instant, and what is left of it. */
export function daysOf(microseconds: bigint): [days: bigint, rest: bigint] {
  return floored(microseconds, DAY);
}

/** Minutes east of UTC of `UTC` and `+02:00`. */
export function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
}

type Part = "year" | "month" | "day" | "hour" | "minute" | "second" | "fraction";

type Parts = { [K in Part]?: string | undefined };

/** Undefined where the calendar has no such day, or the clock no such time. */
function assemble(parts: Parts): ReadTime | undefined {
  const [year, month, day] = [Number(parts.year), Number(parts.month), Number(parts.day)];
  const [hour, minute, second] = [parts.hour, parts.minute, parts.second].map((part) => Number(part ?? 0));
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = parts.fraction ?? "";
  const seconds = BigInt(date.getTime() / 1_000) + BigInt(hour * 3_600 + minute * 60 + second);
  const digits = BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return {
    microseconds: seconds * MICROSECONDS + digits + (Number(fraction.charAt(6)) >= 5 ? 1n : 0n),
    day: parts.hour === undefined,
    rounded: /[1-9]/.test(fraction.slice(6)),
  };
}

const TOKENS: Record<string, string> = {
  YYYY: "(?<year>\\d{4})",
  MM: "(?<month>\\d{2})",
  DD: "(?<day>\\d{2})",
  HH: "(?<hour>\\d{2})",
  mm: "(?<minute>\\d{2})",
  ss: "(?<second>\\d{2})",
  f: "(?<fraction>\\d{1,12})",
};

function patternOf(format: string): RegExp {
  const parts = format.split(/(YYYY|MM|DD|HH|mm|ss|f)/);
  return new RegExp(
    `^${parts.map((part) => TOKENS[part] ?? part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("")}$`,
  );
}

function floored(value: bigint, by: bigint): [quotient: bigint, rest: bigint] {
  const rest = ((value % by) + by) % by;
  return [(value - rest) / by, rest];
}
