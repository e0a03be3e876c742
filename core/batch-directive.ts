/** The arguments of `-- rehearsal: batch table=public.files key=id size=5000 rate=2000`, read as names and numbers. */
import { didYouMean } from "./did-you-mean.ts";
import { quoteName } from "./names.ts";

/** What a backfill in slices says of itself. */
export interface BatchDirective {
  /** The table whose key is cut into slices, quoted: `"public"."files"`, or `"files"` to be looked up as the file's own names are. */
  table: string;
  /** The one column of its key, unquoted. */
  key: string;
  /** Rows that a slice visits at most. */
  size: number;
  /** Rows a second at most. */
  rate?: number;
  /** Bytes that a standby may be behind before the next slice waits for it. */
  lag: number;
  /** Milliseconds of rest after each slice. */
  pause: number;
}

/** A sixteenth of a segment's usual gigabyte: far enough behind to be told from a standby that keeps up. */
export const LAG = 64 * 1024 * 1024;

/** Reads what stands behind `batch`; a text tells what is wrong with it. */
export function readBatchDirective(text: string): BatchDirective | string {
  const words = new Map<string, string>();
  ARGUMENT.lastIndex = 0;
  while (ARGUMENT.lastIndex < text.length) {
    const at = ARGUMENT.lastIndex;
    const [, name = "", value = ""] = ARGUMENT.exec(text) ?? [];
    if (name === "") return `"${text.slice(at).trim()}" is not written as name=value`;
    if (!KNOWN.includes(name)) return `"${name}" is not known to it; ${didYouMean(name, KNOWN)}`;
    if (words.has(name)) return `"${name}" stands twice`;
    words.set(name, value);
  }
  const missing = ["table", "key", "size"].filter((name) => !words.has(name));
  if (missing.length > 0) return `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing`;
  const table = nameParts(words.get("table") ?? "");
  if (table === undefined || table.length > 2) return "table is not a name, or a schema and a name";
  const key = nameParts(words.get("key") ?? "");
  if (key === undefined || key.length > 1)
    return "key is not the name of one column; of a key of several columns none can be cut into slices";
  const numbers: Record<string, number> = {};
  for (const [name, least, most] of NUMBERS) {
    const value = words.get(name);
    if (value === undefined) continue;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) return `${name} is not a whole number from ${least} to ${most}`;
    numbers[name] = number;
  }
  const { size = 0, rate, lag = LAG, pause = 0 } = numbers;
  return {
    table: table.map(quoteName).join("."),
    key: key[0] ?? "",
    size,
    ...(rate === undefined ? {} : { rate }),
    lag,
    pause,
  };
}

const KNOWN = ["table", "key", "size", "rate", "lag", "pause"];
const NUMBERS: [name: string, least: number, most: number][] = [
  ["size", 1, 1_000_000],
  ["rate", 1, 100_000_000],
  ["lag", 0, 2 ** 40],
  ["pause", 0, 60_000],
];
const ARGUMENT = /\s*([a-z]+)=((?:"(?:[^"]|"")*"|[^\s"])+)\s*/y;
const PART = /(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))(\.|$)/y;

/** A dotted name's parts as Postgres understands them: quoted ones as they are, others in lower case. */
function nameParts(text: string): string[] | undefined {
  const parts: string[] = [];
  PART.lastIndex = 0;
  for (let dot = "."; dot === "."; ) {
    const match = PART.exec(text);
    if (match === null) return undefined;
    const [, quoted, bare = "", after = ""] = match;
    parts.push(quoted === undefined ? bare.toLowerCase() : quoted.replaceAll('""', '"'));
    dot = after;
  }
  return parts;
}
