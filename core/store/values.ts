/**
 * A value of a column between the server's text, a store's files, and whoever gives it: exact in both directions, for every type.
 * Long because each kind's reading, writing, checking and order stand together: they are one promise.
 */
import type { Json } from "../canonical-json.ts";
import { readArray, writeArray } from "./arrays.ts";
import type { ColumnType, Kind } from "./column-type.ts";
import { compareDecimals, normalDecimal, plainDecimal } from "./decimals.ts";
import { normalJsonb, readJsonb, writeJsonb } from "./jsonb-value.ts";
import { compareTexts } from "./text-order.ts";
import {
  compareInstants,
  dateText,
  digitsOf,
  type Instant,
  readDate,
  readTime,
  readTimestamp,
  timestampText,
  timeText,
} from "./times.ts";

/** A value as a store has it; FORMATS.md tells it for each type. NULL is null. */
export type StoreValue = Json;

/** How the values of one column are read, written, checked and ordered. None of it takes null. */
export interface Codec {
  /** The value of the server's text, which was written under the settings of a session of ours. */
  read(text: string): StoreValue;
  /** The text that the server reads as exactly this value. */
  write(value: StoreValue): string;
  /** The text that a row's digest covers: equal for equal values, the server's own but for floats. */
  canonical(value: StoreValue): string;
  /** True when it may be another text than the server's. */
  spelt?: boolean;
  /** What somebody gave, as Postgres would keep it; throws `Unfit`. */
  normal(given: unknown): StoreValue;
  /** The order of keys: what ORDER BY says with COLLATE "C". */
  compare(one: StoreValue, other: StoreValue): number;
  /** The same text for values that an index holds for equal. */
  key(value: StoreValue): string;
}

/** Why a value cannot be kept, in words that go behind its column's name. */
export class Unfit extends Error {
  override readonly name = "Unfit";
}

/** The codec of a type; the same one for the same type object. */
export function codecOf(type: ColumnType): Codec {
  const known = CODECS.get(type);
  if (known !== undefined) return known;
  const element = complete(KINDS[type.kind](type));
  const codec = type.array ? arrayOf(element) : element;
  CODECS.set(type, codec);
  return codec;
}

const CODECS = new WeakMap<ColumnType, Codec>();

type Kept = Pick<Codec, "normal"> & Partial<Codec>;

/** What a kind does not say is as it is for texts. */
function complete({ read = same, write = String, canonical = write, ...more }: Kept): Codec {
  return { compare: compareAsTexts, key: canonical, ...more, read, write, canonical };
}

const same = (text: string): StoreValue => text;

const compareAsTexts = (one: StoreValue, other: StoreValue) => compareTexts(String(one), String(other));

const KINDS: Record<Kind, (type: ColumnType) => Kept> = {
  int2: () => integer(16),
  int4: () => integer(32),
  int8: () => ({
    normal: (given) => {
      const text = Number.isSafeInteger(given) ? String(given) : textOf(given);
      if (!/^-?\d{1,19}$/.test(text)) throw new Unfit("it is no whole number in digits");
      const value = BigInt(text);
      if (BigInt.asIntN(64, value) !== value) throw new Unfit("it is a number that bigint does not hold");
      return String(value);
    },
    compare: (one, other) => compareDecimals(String(one), String(other)),
  }),
  numeric: (type) => ({
    normal: (given) => {
      const found = normalDecimal(typeof given === "number" ? String(given) : textOf(given), type);
      if ("problem" in found) throw new Unfit(found.problem);
      return found.text;
    },
    compare: (one, other) => compareDecimals(String(one), String(other)),
    key: (value) => plainDecimal(String(value)),
  }),
  float4: () => float(true),
  float8: () => float(false),
  bool: () => ({
    read: (text) => text === "t",
    write: (value) => (value === true ? "t" : "f"),
    normal: (given) => {
      if (typeof given !== "boolean") throw new Unfit("it is neither true nor false");
      return given;
    },
    compare: (one, other) => Number(one) - Number(other),
  }),
  text: ({ length }) => ({ normal: (given) => withinLength(textOf(given), length) }),
  bpchar: ({ length }) => ({
    normal: (given) => padded(withinLength(textOf(given), length), length),
    // Blanks at its end count for nothing.
    compare: (one, other) => compareTexts(trimmed(one), trimmed(other)),
    key: trimmed,
  }),
  uuid: () => ({
    normal: (given) => {
      const text = textOf(given).toLowerCase();
      if (!UUID.test(text)) throw new Unfit("it is no uuid");
      return text;
    },
  }),
  bytea: () => ({
    read: (text) => Buffer.from(text.slice(2), "hex").toString("base64"),
    write: (value) => `\\x${Buffer.from(String(value), "base64").toString("hex")}`,
    normal: (given) => {
      const text = textOf(given);
      if (Buffer.from(text, "base64").toString("base64") !== text) throw new Unfit("it is no base64");
      return text;
    },
    compare: (one, other) =>
      Buffer.compare(Buffer.from(String(one), "base64"), Buffer.from(String(other), "base64")),
    key: String,
  }),
  json: () => ({
    normal: (given) => {
      const text = textOf(given);
      try {
        JSON.parse(text);
      } catch {
        throw new Unfit("it is a text that is no JSON");
      }
      return text;
    },
  }),
  jsonb: () => ({
    read: readJsonb,
    write: writeJsonb,
    normal: (given) => {
      const found = normalJsonb(given);
      if ("problem" in found) throw new Unfit(found.problem);
      return found.value;
    },
  }),
  date: () => time(readDate, dateText, "it is no date such as 2026-03-01"),
  time: ({ digits }) => time(readTime, timeText, "it is no time such as 08:00:00.5", digits),
  timestamp: ({ digits }) => timestamp(false, "it is no time such as 2026-03-01 08:00:00.5", digits),
  timestamptz: ({ digits }) =>
    timestamp(true, "it is no time with its zone, such as 2026-03-01 08:00:00.5+00", digits),
  enum: ({ labels = [] }) => ({
    normal: (given) => {
      const text = textOf(given);
      if (!labels.includes(text))
        throw new Unfit(`it is none of ${labels.map((label) => JSON.stringify(label)).join(", ")}`);
      return text;
    },
  }),
  other: () => ({ normal: textOf }),
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A text that Postgres holds. */
function textOf(given: unknown): string {
  if (typeof given !== "string") throw new Unfit(`it is ${described(given)}, where a text is wanted`);
  if (given.includes("\0")) throw new Unfit("it has the character 0, which Postgres does not hold");
  if (!given.isWellFormed()) throw new Unfit("it has half a pair of surrogates, which is no text");
  return given;
}

function described(given: unknown): string {
  if (given === undefined) return "left out";
  return Array.isArray(given) ? "a list" : typeof given === "object" ? "an object" : `a ${typeof given}`;
}

/** Blanks behind the last character that has room are dropped, as Postgres does. */
function withinLength(text: string, length: number | undefined): string {
  if (length === undefined || text.length <= length) return text;
  const characters = [...text];
  if (characters.length <= length) return text;
  if (!/^ *$/.test(characters.slice(length).join("")))
    throw new Unfit(`it has more than ${length} characters`);
  return characters.slice(0, length).join("");
}

function padded(text: string, length: number | undefined): string {
  return length === undefined ? text : text + " ".repeat(Math.max(length - [...text].length, 0));
}

const trimmed = (value: StoreValue) => String(value).replace(/ +$/, "");

const integer = (bits: number): Kept => ({
  read: Number,
  normal: (given) => {
    if (typeof given !== "number" || !Number.isInteger(given)) throw new Unfit("it is no whole number");
    if (Number(BigInt.asIntN(bits, BigInt(given))) !== given)
      throw new Unfit(`it is a number that ${bits === 16 ? "smallint" : "integer"} does not hold`);
    // Minus zero is none.
    return given + 0;
  },
  compare: (one, other) => Number(one) - Number(other),
});

const float = (single: boolean): Kept => ({
  read: (text) => asFloat(Number(text)),
  spelt: true,
  // Postgres shows other digits of few doubles, such as 1e23, so its text is not the one that is summed up.
  canonical: (value) => {
    const number = Number(value);
    return floatText(single ? Math.fround(number) : number);
  },
  normal: (given) => {
    if (typeof given === "number" || (typeof given === "string" && SPECIAL.has(given))) {
      const number = Number(given);
      if (!single || number === 0 || !Number.isFinite(number)) return asFloat(number);
      const rounded = Math.fround(number);
      if (!Number.isFinite(rounded) || (rounded === 0 && number !== 0))
        throw new Unfit("it is a number that real does not hold");
      return asFloat(shortest(rounded));
    }
    throw new Unfit("it is no number");
  },
  // NaN stands behind everything, and the two zeros are one.
  compare: (one, other) => {
    const [a, b] = [Number(one), Number(other)];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a < b ? -1 : a > b ? 1 : 0;
  },
  key: (value) => String((single ? Math.fround(Number(value)) : Number(value)) + 0),
});

const SPECIAL = new Set(["NaN", "Infinity", "-Infinity", "-0"]);

const floatText = (number: number) => (Object.is(number, -0) ? "-0" : String(number));

/** JSON has no word for these. */
const asFloat = (number: number) =>
  Number.isFinite(number) && !Object.is(number, -0) ? number : floatText(number);

/** The fewest digits that make this float of four bytes, which is how Postgres shows it. */
function shortest(rounded: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(rounded.toPrecision(digits));
    if (Math.fround(candidate) === rounded) return candidate;
  }
  return Number(rounded.toPrecision(9));
}

function timestamp(zoned: boolean, problem: string, digits: number | undefined): Kept {
  return time(
    (text) => readTimestamp(text, zoned),
    (instant) => timestampText(instant, zoned),
    problem,
    digits,
  );
}

function time(
  read: (text: string) => Instant | undefined,
  write: (instant: Instant) => string,
  problem: string,
  digits = 6,
): Kept {
  const instant = (value: unknown): Instant => {
    const found = read(textOf(value));
    if (found === undefined) throw new Unfit(problem);
    return found;
  };
  return {
    normal: (given) => {
      const found = instant(given);
      if (digitsOf(found) > digits)
        throw new Unfit(
          `it has more than ${digits} digits behind the second, which its column does not keep`,
        );
      return write(found);
    },
    compare: (one, other) => compareInstants(instant(one), instant(other)),
  };
}

/** A list, or the server's text of an array that is none: of more dimensions, or of other bounds. */
function arrayOf(element: Codec): Codec {
  const each = (value: readonly Json[], write: (value: StoreValue) => string) =>
    writeArray(value.map((one) => (one === null ? null : write(one))));
  const whole = (write: (value: StoreValue) => string) => (value: StoreValue) =>
    isList(value) ? each(value, write) : String(value);
  const read = (text: string): StoreValue =>
    readArray(text)?.map((one) => (one === null ? null : element.read(one))) ?? text;
  const key = whole(element.key);
  return {
    read,
    write: whole(element.write),
    canonical: whole(element.canonical),
    spelt: element.spelt === true,
    key,
    normal: (given) => {
      if (Array.isArray(given)) return given.map((one) => (one === null ? null : element.normal(one)));
      const text = textOf(given);
      if (!/^(?:\[[-\d:\][]+\]=\{|\{\{).*\}$/s.test(text)) throw new Unfit("it is no list");
      return text;
    },
    // No key has arrays.
    compare: (one, other) => compareTexts(key(one), key(other)),
  };
}

function isList(value: StoreValue): value is readonly Json[] {
  return Array.isArray(value);
}
