/** Dates and times as Postgres writes them in ISO, in UTC: read from what people give, and put in order. */

/** A date or time in its parts: days since 1970-01-01, and microseconds of the day. */
export interface Instant {
  days: number;
  micros: number;
}

const DATE = String.raw`(\d{4,7})-(\d\d)-(\d\d)`;
const TIME = String.raw`(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?`;
const ZONE = String.raw`(Z|[+-]\d\d(?::?\d\d)?(?::\d\d)?)`;

const DATES = new RegExp(`^${DATE}( BC)?$`);
const TIMES = new RegExp(`^${TIME}$`);
const TIMESTAMPS = new RegExp(`^${DATE}[ T]${TIME}${ZONE}?( BC)?$`);

const DAY = 86_400_000_000;

/** What Postgres holds: from 4714-11-24 BC on, dates to 5874897-12-31, timestamps to 294276-12-31. */
const [FIRST, LAST_DATE, LAST_TIMESTAMP] = [
  daysOf(-4713, 11, 24),
  daysOf(5_874_897, 12, 31),
  daysOf(294_276, 12, 31),
];

/** The parts of a date; undefined for what is none. */
export function readDate(text: string): Instant | undefined {
  if (text.endsWith("infinity")) return endless(text);
  const [, year, month, day, before] = DATES.exec(text) ?? [];
  const days = dayOf(year, month, day, before);
  return days === undefined || days < FIRST || days > LAST_DATE ? undefined : { days, micros: 0 };
}

export function readTime(text: string): Instant | undefined {
  const [, hour, minute, second, fraction] = TIMES.exec(text) ?? [];
  const micros = microsOf(hour, minute, second, fraction);
  return micros === undefined ? undefined : { days: 0, micros };
}

/** With `zoned` the text has to say where, and the parts are in UTC; without, it must not. */
export function readTimestamp(text: string, zoned: boolean): Instant | undefined {
  if (text.endsWith("infinity")) return endless(text);
  const [, year, month, day, hour, minute, second, fraction, zone, before] = TIMESTAMPS.exec(text) ?? [];
  const days = dayOf(year, month, day, before);
  const micros = microsOf(hour, minute, second, fraction);
  if (days === undefined || micros === undefined || micros === DAY || zoned !== (zone !== undefined))
    return undefined;
  const moved = micros - (zone === undefined ? 0 : offsetOf(zone));
  const whole = Math.floor(moved / DAY);
  const found = { days: days + whole, micros: moved - whole * DAY };
  return found.days < FIRST || found.days > LAST_TIMESTAMP ? undefined : found;
}

export function dateText({ days }: Instant): string {
  if (!Number.isFinite(days)) return endlessText(days);
  const { date, before } = civil(days);
  return date + before;
}

export function timeText({ micros }: Instant): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = micros % 1e6;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const behind = fraction === 0 ? "" : `.${String(fraction).padStart(6, "0").replace(/0+$/, "")}`;
  return parts.map((part) => String(part).padStart(2, "0")).join(":") + behind;
}

export function timestampText(instant: Instant, zoned: boolean): string {
  if (!Number.isFinite(instant.days)) return endlessText(instant.days);
  const { date, before } = civil(instant.days);
  return `${date} ${timeText(instant)}${zoned ? "+00" : ""}${before}`;
}

export function compareInstants(one: Instant, other: Instant): number {
  return one.days === other.days ? one.micros - other.micros : one.days < other.days ? -1 : 1;
}

/** Digits behind the second. */
export function digitsOf({ micros }: Instant): number {
  const fraction = micros % 1e6;
  return fraction === 0 ? 0 : String(fraction).padStart(6, "0").replace(/0+$/, "").length;
}

function endless(text: string): Instant | undefined {
  if (text === "infinity") return { days: Number.POSITIVE_INFINITY, micros: 0 };
  return text === "-infinity" ? { days: Number.NEGATIVE_INFINITY, micros: 0 } : undefined;
}

const endlessText = (days: number) => (days > 0 ? "infinity" : "-infinity");

function dayOf(year?: string, month?: string, day?: string, before?: string): number | undefined {
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  // There is no year 0, and what is not there is NaN.
  if (!(y >= 1) || m < 1 || m > 12 || d < 1) return undefined;
  const astronomical = before === undefined ? y : 1 - y;
  const days = daysOf(astronomical, m, d);
  return days < daysOf(astronomical + (m === 12 ? 1 : 0), (m % 12) + 1, 1) ? days : undefined;
}

function microsOf(hour?: string, minute?: string, second?: string, fraction = ""): number | undefined {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (!(h <= 24) || m > 59 || s > 59) return undefined;
  const micros = ((h * 60 + m) * 60 + s) * 1e6 + Number(fraction.padEnd(6, "0"));
  return micros > DAY ? undefined : micros;
}

function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).match(/\d\d/g) ?? []).map(Number);
  return (zone.startsWith("-") ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds) * 1e6;
}

/** Days since 1970-01-01 of a day of the Gregorian calendar, with a year 0. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

/** The day as Postgres writes it, and what it writes behind everything for a year before the first. */
function civil(days: number): { date: string; before: string } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (part: number) => String(part).padStart(2, "0");
  const shown = String(year <= 0 ? 1 - year : year).padStart(4, "0");
  return { date: `${shown}-${two(month)}-${two(day)}`, before: year <= 0 ? " BC" : "" };
}
