/**
 * A value of SQLite as the value of a Postgres column. SQLite keeps any type of value in any column, so each is judged by itself:
 * what does not become exactly one value of the column's type is refused in words.
 */
import { jsonbText } from "./jsonb-text.ts";
import type { ColumnMapping, Reading } from "./sqlite-mapping.ts";
import {
  type Convert,
  type Converted,
  KINDS,
  type Present,
  type Stored,
  same,
  unfit,
} from "./sqlite-stored.ts";
import { date, time, timestamp } from "./sqlite-times.ts";
import type { TargetColumn } from "./target-column.ts";

/** Bytes of one value: written out and compared, a value takes many times its size. */
const VALUE_BYTES = 64 * 1024 * 1024;

/** Which readings fit a column of the type; undefined for types that take texts as they are. */
export function readingsOf({ type }: TargetColumn): readonly Reading[] {
  if (type === "timestamptz" || type === "timestamp" || type === "date") return TIMES;
  if (type === "bytea") return ["hex", "base64"];
  return ["utf8"];
}

const TIMES = ["epoch-seconds", "epoch-milliseconds", "epoch-microseconds", "julian-day"] as const;

const NULL = { null: true } as const;

/** A converter for all values of a column. */
export function converter(target: TargetColumn, mapping: ColumnMapping): (stored: Stored) => Converted {
  const convert = BY_TYPE[target.type] ?? other;
  const replaced = mapping.values && new Map(Object.entries(mapping.values));
  return (given) => {
    if (given.kind === "n") return NULL;
    let stored: Present = given;
    if (stored.kind === "b" && mapping.as === "utf8") {
      const text = utf8(stored.value);
      if (text === undefined) return { problem: "a blob that is not text in UTF-8" };
      stored = { kind: "t", value: text };
    }
    if (stored.kind === "t" && stored.value === "" && mapping.empty === "null") return NULL;
    if (replaced !== undefined && (stored.kind === "t" || stored.kind === "i")) {
      const found = replaced.get(String(stored.value));
      if (found === null) return NULL;
      if (found !== undefined) stored = declared(found);
    }
    if ((stored.kind === "t" || stored.kind === "b") && stored.value.length > VALUE_BYTES)
      return { problem: `more than ${VALUE_BYTES / 1024 / 1024} MiB` };
    return convert(stored, target, mapping);
  };
}

/** Text in UTF-8, or undefined. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function declared(value: string | number | boolean): Present {
  if (typeof value === "boolean") return { kind: "i", value: value ? 1n : 0n };
  if (typeof value === "string") return { kind: "t", value };
  return Number.isInteger(value) ? { kind: "i", value: BigInt(value) } : { kind: "r", value };
}

const boolean: Convert = (stored, target) => {
  const truth =
    stored.kind === "i" || stored.kind === "t" ? TRUTHS[String(stored.value).toLowerCase()] : undefined;
  if (truth !== undefined) return { text: truth, canonical: truth };
  return stored.kind === "i" || stored.kind === "t"
    ? { problem: `${KINDS[stored.kind]} that is neither true nor false` }
    : unfit(stored, target);
};

const TRUTHS: Record<string, string> = {
  ...{ "0": "f", false: "f", f: "f", no: "f" },
  ...{ "1": "t", true: "t", t: "t", yes: "t" },
};

const integer =
  (bits: number): Convert =>
  (stored, target) => {
    let value: bigint;
    if (stored.kind === "i") value = stored.value;
    else if (stored.kind === "r" && Number.isSafeInteger(stored.value)) value = BigInt(stored.value);
    else if (stored.kind === "t" && /^-?\d{1,19}$/.test(stored.value)) value = BigInt(stored.value);
    else if (stored.kind === "r") return { problem: "a real number that is no whole one, or not exactly" };
    else if (stored.kind === "t") return { problem: "a text that is no whole number" };
    else return unfit(stored, target);
    if (BigInt.asIntN(bits, value) !== value)
      return { problem: `a number that ${target.shown} does not hold` };
    return same(String(value));
  };

/** Postgres's oid has no sign. */
const oid: Convert = (stored, target) => {
  const read = integer(64)(stored, target, {} as ColumnMapping);
  if (!("text" in read)) return read;
  const value = BigInt(read.text);
  return value < 0n || value > 4_294_967_295n ? { problem: "a number that oid does not hold" } : read;
};

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,5}))?$/;

const numeric: Convert = (stored, target, { rounded }) => {
  if (stored.kind === "b") return unfit(stored, target);
  if (stored.kind === "r" && !Number.isFinite(stored.value)) return { problem: "an infinite number" };
  const found = DECIMAL.exec(String(stored.value));
  if (found === null) return { problem: "a text that is no number" };
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  const kept = placed(digits, scale, target.precision === null ? undefined : (target.scale ?? 0), rounded);
  if (kept === undefined) return { problem: `more digits behind the point than ${target.shown} has` };
  const text = decimalText(kept.digits, kept.scale);
  const places = text.split(".")[0]?.length ?? 0;
  if (
    target.precision !== null &&
    text !== "0" &&
    !text.startsWith("0.") &&
    places > target.precision - (target.scale ?? 0)
  )
    return { problem: `a number that ${target.shown} does not hold` };
  if (places > 131_072 || kept.scale > 16_383) return { problem: "a number that numeric does not hold" };
  return same(sign === "-" && /[1-9]/.test(text) ? `-${text}` : text);
};

/** The number with no more digits behind the point than there is room for; undefined where it would be another and may not. */
function placed(digits: bigint, scale: number, room: number | undefined, rounded: boolean) {
  if (room === undefined || scale <= room) return { digits, scale };
  const by = 10n ** BigInt(scale - room);
  const rest = digits % by;
  if (rest !== 0n && !rounded) return undefined;
  // Away from zero, as numeric does.
  return { digits: digits / by + (rest * 2n >= by ? 1n : 0n), scale: room };
}

/** Without zeros that say nothing. */
function decimalText(digits: bigint, scale: number): string {
  if (scale <= 0) return String(digits * 10n ** BigInt(-scale));
  const text = String(digits).padStart(scale + 1, "0");
  const behind = text.slice(-scale).replace(/0+$/, "");
  return behind === "" ? text.slice(0, -scale) : `${text.slice(0, -scale)}.${behind}`;
}

const float =
  (single: boolean): Convert =>
  (stored, target, { rounded }) => {
    if (stored.kind === "b") return unfit(stored, target);
    if (stored.kind === "t" && !DECIMAL.test(stored.value)) return { problem: "a text that is no number" };
    let value = Number(stored.value);
    if (stored.kind === "i" && BigInt(value) !== stored.value)
      return { problem: `a whole number that ${target.shown} holds not exactly` };
    if (stored.kind === "t" && !Number.isFinite(value))
      return { problem: `a number that ${target.shown} does not hold` };
    if (single && Math.fround(value) !== value) {
      if (!rounded || !Number.isFinite(Math.fround(value)))
        return { problem: `a number that ${target.shown} holds not exactly` };
      value = Math.fround(value);
    }
    EIGHT.writeDoubleBE(value);
    return { text: Object.is(value, -0) ? "-0" : String(value), canonical: EIGHT.toString("hex") };
  };

const EIGHT = Buffer.alloc(8);

const text: Convert = (stored, target) => {
  if (stored.kind === "r" || stored.kind === "b") return unfit(stored, target);
  const value = String(stored.value);
  if (value.includes("\0")) return { problem: "a text with a NUL, which Postgres does not hold" };
  if (target.length !== null && value.length > target.length && [...value].length > target.length)
    return { problem: `a text of more than ${target.length} characters` };
  // Blanks at the end of character(n) count for nothing.
  return target.type === "bpchar" ? { text: value, canonical: value.replace(/ +$/, "") } : same(value);
};

/** pg_catalog.name is cut behind 63 bytes. */
const name: Convert = (stored, target, mapping) =>
  stored.kind === "t" && Buffer.byteLength(stored.value) > 63
    ? { problem: "a text of more than 63 bytes" }
    : text(stored, target, mapping);

const bytea: Convert = (stored, target, { as }) => {
  if (stored.kind === "b") return bytesOf(Buffer.from(stored.value));
  if (stored.kind !== "t") return unfit(stored, target);
  if (as === "hex" && /^(?:[0-9a-fA-F]{2})*$/.test(stored.value))
    return bytesOf(Buffer.from(stored.value, "hex"));
  if (as === "base64" && BASE64.test(stored.value)) return bytesOf(Buffer.from(stored.value, "base64"));
  return as === "hex" || as === "base64" ? { problem: `a text that is not ${as}` } : unfit(stored, target);
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(bytes: Buffer): Converted {
  const hex = bytes.toString("hex");
  return { text: `\\x${hex}`, canonical: hex };
}

const uuid: Convert = (stored, target) => {
  if (stored.kind === "b" && stored.value.length === 16)
    return hyphened(Buffer.from(stored.value).toString("hex"));
  if (stored.kind === "b") return { problem: "a blob that is not of 16 bytes" };
  if (stored.kind !== "t") return unfit(stored, target);
  const [, hex] = /^\{?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})\}?$/i.exec(stored.value) ?? [];
  return hex === undefined
    ? { problem: "a text that is no uuid" }
    : hyphened(hex.replaceAll("-", "").toLowerCase());
};

function hyphened(hex: string): Converted {
  return same(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"));
}

/** SQLite turns a text that looks like a number into one, in a column that is declared as JSON. */
const json: Convert = (stored, target) => {
  if (stored.kind === "b" || (stored.kind === "r" && !Number.isFinite(stored.value)))
    return unfit(stored, target);
  const source = String(stored.value);
  if (target.type === "jsonb") {
    const read = jsonbText(source);
    return "problem" in read ? { problem: read.problem } : { text: source, canonical: read.text };
  }
  try {
    JSON.parse(source);
  } catch {
    return { problem: "a text that is no JSON" };
  }
  return same(source);
};

/** A type that this file does not know takes a text as it is, and has to show it again as it was. */
const other: Convert = (stored, target) => {
  if (stored.kind === "r" || stored.kind === "b") return unfit(stored, target);
  const value = String(stored.value);
  return value.includes("\0") ? { problem: "a text with a NUL, which Postgres does not hold" } : same(value);
};

const BY_TYPE: Record<string, Convert> = {
  ...{ bool: boolean, int2: integer(16), int4: integer(32), int8: integer(64), oid, numeric },
  ...{ float4: float(true), float8: float(false), text, varchar: text, bpchar: text, name, bytea },
  ...{ timestamptz: timestamp, timestamp, date, time, uuid, json, jsonb: json },
};
