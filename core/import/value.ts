/** Values of documents as the text that goes into a column: what the mapping promised of them is asked here, before the database is. */
import { JsonArray, type JsonDocument, JsonNumber, type JsonValue, writeJson } from "./json-text.ts";
import type { FromPath } from "./mapping.ts";

/** Why a value is not what the mapping says. */
export class ValueRefused extends Error {
  override readonly name = "ValueRefused";
}

/** As Postgres reads it; null where nothing stands. Throws `ValueRefused`. */
export function columnText(
  document: JsonDocument,
  value: JsonValue | undefined,
  rule: FromPath,
  required: boolean,
): string | null {
  const text = isNothing(value, rule) ? defaultOf(rule) : READERS[rule.type](value, rule, document);
  if (text === null && required)
    throw new ValueRefused(
      value === undefined ? "it is missing" : "nothing stands there, and something has to",
    );
  return text;
}

/** A value in short, for a report: texts as they are, the rest as JSON. */
export function shownValue(document: JsonDocument, value: JsonValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === "string" ? value : writeJson(document, value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text;
}

const SHOWN = 300;

type Something = Exclude<JsonValue, null>;

function isNothing(value: JsonValue | undefined, { empty }: FromPath): value is null | undefined {
  return value === undefined || value === null || (value === "" && empty === "null");
}

function defaultOf({ default: given }: FromPath): string | null {
  return given === undefined ? null : String(given);
}

const READERS: Record<
  FromPath["type"],
  (value: Something, rule: FromPath, document: JsonDocument) => string
> = {
  text: (value, { values }) => {
    const text = value instanceof JsonNumber ? value.text : value;
    if (typeof text !== "string") throw wrong(value, "a text");
    if (values === undefined) return text;
    const stored = Object.hasOwn(values, text) ? values[text] : undefined;
    if (stored === undefined)
      throw new ValueRefused(
        `${quoted(text)} is none of the words that the mapping knows: ${Object.keys(values).slice(0, 20).join(", ")}`,
      );
    return stored;
  },
  integer: (value) => numberText(value, /^-?\d{1,1000}$/, "a whole number"),
  numeric: (value) => numberText(value, /^-?\d{1,1000}(?:\.\d{1,1000})?(?:[eE][+-]?\d{1,4})?$/, "a number"),
  boolean: (value) => {
    if (typeof value !== "boolean") throw wrong(value, "true or false");
    return String(value);
  },
  date: (value) => {
    if (typeof value !== "string" || !isDate(value)) throw wrong(value, "a date, like 2020-12-31");
    return value;
  },
  timestamp: (value, rule) => {
    if (rule.epoch !== undefined) return epochText(value, rule.epoch).slice(0, -1);
    const { zone, text } = timeParts(value, "2020-12-31T23:59:59");
    if (zone !== undefined) throw new ValueRefused(`${quoted(text)} names a zone, and the column keeps none`);
    return text;
  },
  timestamptz: (value, rule) => {
    if (rule.epoch !== undefined) return epochText(value, rule.epoch);
    const { zone, text } = timeParts(value, "2020-12-31T23:59:59Z");
    if (zone !== undefined) return text;
    if (rule.zone === undefined)
      throw new ValueRefused(`${quoted(text)} names no zone; let the mapping say which one is meant`);
    return `${text} ${rule.zone}`;
  },
  uuid: (value) => {
    if (typeof value !== "string" || !/^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(value))
      throw wrong(value, "a UUID");
    return value;
  },
  json: (value, _, document) => writeJson(document, value),
};

function numberText(value: Something, form: RegExp, wanted: string): string {
  const text = value instanceof JsonNumber ? value.text : value;
  if (typeof text !== "string" || !form.test(text)) throw wrong(value, wanted);
  return text;
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

function timeParts(value: Something, wanted: string): { text: string; zone: string | undefined } {
  const found = typeof value === "string" ? TIME.exec(value) : null;
  if (found === null) throw wrong(value, `a time, like ${wanted}`);
  const [text, date = "", hour, minute, second, zone] = found;
  if (!isDate(date) || Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59)
    throw wrong(value, `a time, like ${wanted}`);
  return { text, zone };
}

function isDate(text: string): boolean {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (found === null) return false;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  // The year 0 is none of Postgres's.
  if (year === 0 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0));
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** In UTC, with all the digits that a column keeps. */
function epochText(value: Something, unit: "seconds" | "milliseconds"): string {
  const text = value instanceof JsonNumber ? value.text : value;
  const found = typeof text === "string" ? /^(-?)(\d{1,14})(?:\.(\d{1,9}))?$/.exec(text) : null;
  if (found === null) throw wrong(value, `a number of ${unit}`);
  const [, sign, whole = "", fraction = ""] = found;
  const scale = unit === "seconds" ? 6 : 3;
  const size = BigInt(whole + fraction.padEnd(scale, "0").slice(0, scale));
  const micros = sign === "-" ? -size : size;
  const millis = micros / 1_000n - (micros % 1_000n < 0n ? 1n : 0n);
  const date = new Date(Number(millis));
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9_999)
    throw wrong(value, "a time between the years 1 and 9999");
  const rest = String(micros - millis * 1_000n).padStart(3, "0");
  return date.toISOString().replace("Z", `${rest}Z`);
}

function wrong(value: Something, wanted: string): ValueRefused {
  const found =
    typeof value === "string"
      ? quoted(value)
      : typeof value === "boolean"
        ? String(value)
        : value instanceof JsonNumber
          ? value.text.slice(0, 40)
          : value instanceof JsonArray
            ? "an array"
            : "an object";
  return new ValueRefused(`${found} is not ${wanted}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text);
}
