/** The types that a query's parameters may have, and what a value of each looks like. */

/** What is bound: a text that Postgres reads as the type, several for an array, or NULL. */
export type BoundValue = string | string[] | null;

interface ValueType {
  /** As a cast writes it. */
  sql: string;
  /** What is wrong with the text, or undefined. */
  problem(text: string): string | undefined;
}

const whole = (sql: string, bits: 16n | 32n | 64n): ValueType => ({
  sql,
  problem: (text) => {
    if (!/^[+-]?\d{1,30}$/.test(text)) return "is not a whole number";
    const value = BigInt(text.replace("+", ""));
    return BigInt.asIntN(Number(bits), value) === value ? undefined : `does not fit into ${bits} bits`;
  },
});

const pattern = (sql: string, wanted: RegExp, problem: string): ValueType => ({
  sql,
  problem: (text) => (wanted.test(text) ? undefined : problem),
});

const json = (sql: string): ValueType => ({
  sql,
  problem: (text) => {
    try {
      JSON.parse(text);
      return undefined;
    } catch {
      return "is not JSON";
    }
  },
});

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,4})?$/i;
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,6})?)?";
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = new RegExp(`^(\\d{4}-\\d{2}-\\d{2})(?:[T ]${TIME})?$`);
const ZONED = new RegExp(
  `^(\\d{4}-\\d{2}-\\d{2})(?:[T ]${TIME} ?(?:Z|[+-](?:0\\d|1[0-5])(?::?[0-5]\\d)?)?)?$`,
);

const dated = (sql: string, wanted: RegExp, example: string): ValueType => ({
  sql,
  problem: (text) => {
    const found = wanted.exec(text);
    if (found === null) return `is not written as ${example}`;
    return isDay(found[1] ?? text) ? undefined : "is no day of the calendar";
  },
});

/** By the word in a header; each but `json` and `jsonb` may be an array, `text[]`. */
const SCALARS: Record<string, ValueType> = {
  text: { sql: "pg_catalog.text", problem: () => undefined },
  smallint: whole("pg_catalog.int2", 16n),
  integer: whole("pg_catalog.int4", 32n),
  bigint: whole("pg_catalog.int8", 64n),
  numeric: pattern("pg_catalog.numeric", NUMBER, "is not a number"),
  float8: pattern("pg_catalog.float8", NUMBER, "is not a number"),
  boolean: pattern("pg_catalog.bool", /^(?:true|false)$/, "is neither true nor false"),
  date: dated("pg_catalog.date", DAY, "2026-07-01"),
  timestamp: dated("pg_catalog.timestamp", MOMENT, "2026-07-01T12:00:00"),
  timestamptz: dated(
    "pg_catalog.timestamptz",
    ZONED,
    "2026-07-01T12:00:00Z (without a zone it is UTC's time)",
  ),
  uuid: pattern(
    "pg_catalog.uuid",
    /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i,
    "is not a UUID, written in 36 characters",
  ),
  json: json("pg_catalog.json"),
  jsonb: json("pg_catalog.jsonb"),
};

/** Every type that a header may name. */
export const PARAMETER_TYPES: readonly string[] = Object.keys(SCALARS).flatMap((name) =>
  name.startsWith("json") ? [name] : [name, `${name}[]`],
);

/** What a cast to it is written as. */
export function sqlType(type: string): string {
  return scalarOf(type).sql + (isArray(type) ? "[]" : "");
}

export function isArray(type: string): boolean {
  return type.endsWith("[]");
}

/** What is wrong with a value for the type, in words that follow the value; undefined when nothing is. */
export function problemWith(type: string, value: string | readonly string[]): string | undefined {
  const { problem } = scalarOf(type);
  for (const one of [value].flat()) {
    if (one.includes("\0") || !one.isWellFormed()) return "holds what no text of Postgres may hold";
    const found = problem(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A text as the elements of an array: JSON where it begins with a bracket, else parted by commas. Undefined when it is neither. */
export function elementsOf(text: string): string[] | undefined {
  if (text.trim() === "") return [];
  if (!text.trimStart().startsWith("[")) return text.split(",").map((element) => element.trim());
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) && read.every(isElement) ? read.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** A number beyond 2^53 would not be the one that was written. */
function isElement(value: unknown): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value === "string" || typeof value === "boolean";
}

function scalarOf(type: string): ValueType {
  const found = SCALARS[type.replace(/\[\]$/, "")];
  if (found === undefined) throw new Error(`no parameter is of the type ${type}`);
  return found;
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
