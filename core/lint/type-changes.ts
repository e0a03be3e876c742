/** What changing a column's type does to what is stored: after the casts of Postgres that need no new rows. */

/** `widens` needs new rows but loses nothing; `narrows` may refuse or lose values. */
export type TypeChange = "keeps" | "widens" | "narrows" | "unknown";

interface Type {
  name: string;
  sizes: number[];
}

/** Each family from narrow to wide; a value of one fits into each that comes after it. */
const FAMILIES: readonly (readonly string[])[] = [
  ["int2", "int4", "int8", "numeric"],
  ["float4", "float8"],
  ["date", "timestamp", "timestamptz"],
  ["time", "timetz"],
];

const TEXTS = new Set(["text", "varchar", "bpchar"]);
const SIZED_TIMES = new Set(["time", "timetz", "timestamp", "timestamptz", "interval"]);

/** Types as `varchar(20)`; `from` may not be known. */
export function changeOfType(from: string | undefined, to: string): TypeChange {
  const [old, wanted] = [from === undefined ? undefined : parse(from), parse(to)];
  if (old === undefined) return "unknown";
  if (from === to) return "keeps";
  if (TEXTS.has(old.name) && TEXTS.has(wanted.name)) return changeOfText(old, wanted);
  if (wanted.name === "text" || (wanted.name === "varchar" && wanted.sizes.length === 0)) return "widens";
  if (old.name === "numeric" && wanted.name === "numeric") return changeOfNumeric(old, wanted);
  if (old.name === "cidr" && wanted.name === "inet") return "keeps";
  if (old.name === wanted.name && SIZED_TIMES.has(old.name))
    return (wanted.sizes[0] ?? 6) >= (old.sizes[0] ?? 6) ? "keeps" : "narrows";
  const family = FAMILIES.find((names) => names.includes(old.name) && names.includes(wanted.name));
  if (family === undefined) return LOSING.has(`${old.name} ${wanted.name}`) ? "narrows" : "widens";
  return family.indexOf(wanted.name) > family.indexOf(old.name) && wanted.sizes.length === 0
    ? "widens"
    : "narrows";
}

/** Between families: what cannot hold all that the other one held. */
const LOSING = new Set([
  "float8 int8",
  "float8 int4",
  "float8 int2",
  "float8 numeric",
  "float4 int4",
  "float4 int8",
  "float4 int2",
  "timestamp time",
  "timestamptz time",
  "timestamptz timetz",
  "json jsonb",
]);

function changeOfText(old: Type, wanted: Type): TypeChange {
  const [had, has] = [old.sizes[0] ?? Infinity, wanted.sizes[0] ?? Infinity];
  if (has < had) return "narrows";
  // Padding is taken away or put on: each value is written anew.
  if (old.name === "bpchar" || wanted.name === "bpchar") return "widens";
  return "keeps";
}

function changeOfNumeric(old: Type, wanted: Type): TypeChange {
  if (wanted.sizes.length === 0) return "keeps";
  const [hadDigits = Infinity, hadScale = 0] = old.sizes;
  const [digits = Infinity, scale = 0] = wanted.sizes;
  if (old.sizes.length === 0 || scale < hadScale || digits - scale < hadDigits - hadScale) return "narrows";
  return scale === hadScale ? "keeps" : "widens";
}

/** The parser writes CHAR(n) as bpchar and INTEGER as int4. */
function parse(text: string): Type {
  const [, name = text, sizes = ""] = /^([^(]*)(?:\((.*)\))?/.exec(text) ?? [];
  return { name: text.endsWith("[]") ? text : name, sizes: sizes === "" ? [] : sizes.split(",").map(Number) };
}
