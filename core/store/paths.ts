/**
 * Where a model's rows lie: patterns of paths, and the path of a row, which no value can lead astray. A path is only a partition:
 * rows carry their keys, so two that meet in a file are harmless.
 */
import { sha256 } from "../digest.ts";
import type { StoreModel } from "./definition.ts";
import { codecsOf } from "./model-codecs.ts";
import { cell } from "./rows.ts";
import type { Row } from "./store.ts";

/** What stands for the hash in the pattern of a content. */
const HASH_PLACE = "sha256";

/** The path of the file that holds the row. */
export function pathOf(model: StoreModel, row: Row): string {
  const { parts, places } = patternOf(model.file);
  if (places.length === 0) return model.file;
  const { byName } = codecsOf(model);
  let path = parts[0] ?? "";
  for (const [at, name] of places.entries()) {
    const value = cell(row, name);
    path += encoded(value === null ? "" : (byName.get(name)?.codec.key(value) ?? "")) + (parts[at + 1] ?? "");
  }
  return path;
}

/** The path of a column's content, by the SHA-256 of its bytes. */
export function contentPath(model: StoreModel, column: string, digest: string): string {
  return (model.content[column] ?? "").replace(`{${HASH_PLACE}}`, digest);
}

/** The columns that stand in a model's pattern; none when one file holds all of it. */
export function pathColumns(model: StoreModel): string[] {
  return [...new Set(patternOf(model.file).places)];
}

/** Whether the key alone tells the path. */
export function keyTellsPath(model: StoreModel): boolean {
  return pathColumns(model).every((column) => model.key.includes(column));
}

/** What every path of the pattern begins with, up to its first placeholder. */
export function pathPrefix(pattern: string): string {
  return patternOf(pattern).parts[0] ?? "";
}

/** Whether a path could be one of the model's rows' or contents'. */
export function mayHold(model: StoreModel, path: string): boolean {
  return [model.file, ...Object.values(model.content)].some((pattern) => patternOf(pattern).form.test(path));
}

/** Whether a path could be one of contents, of which none ends as a file of rows does. */
export function isContentPath(models: readonly StoreModel[], path: string): boolean {
  return models.some(({ content }) =>
    Object.values(content).some((pattern) => patternOf(pattern).form.test(path)),
  );
}

/** What is wrong with the pattern of a file of rows, in words. */
export function patternProblems(pattern: string, columns: ReadonlySet<string>): string[] {
  const problems = pathProblems(pattern);
  if (!/\.jsonl?$/.test(pattern)) problems.push('it ends neither in ".json" nor in ".jsonl"');
  for (const place of new Set(patternOf(pattern).places))
    if (!columns.has(place)) problems.push(`"${place}" is no column that is never NULL`);
  return problems;
}

/** The same of a content's. */
export function contentProblems(pattern: string): string[] {
  const problems = pathProblems(pattern);
  if (/\.jsonl?$/.test(pattern)) problems.push("it ends as a file of rows does");
  if (patternOf(pattern).places.join() !== HASH_PLACE)
    problems.push(`it holds {${HASH_PLACE}} once, and no other placeholder`);
  return problems;
}

/** The same of two patterns that are not equal: a folder has room for a file or for a folder of one name, and for one spelling of it. */
export function patternsCollide(one: string, other: string): boolean {
  const [a, b] = [one.split("/"), other.split("/")].sort((left, right) => left.length - right.length) as [
    string[],
    string[],
  ];
  if (a.length < b.length) return a.every((segment, at) => mayBeSame(segment, b[at] ?? ""));
  const [left, right] = [one, other].map((pattern) => patternOf(pattern).parts.join("{}")) as [
    string,
    string,
  ];
  return left !== right && left.toLowerCase() === right.toLowerCase();
}

interface Pattern {
  /** What stands before, between and behind the placeholders. */
  parts: string[];
  /** The placeholders' columns. */
  places: string[];
  form: RegExp;
}

const PATTERNS = new Map<string, Pattern>();

function patternOf(pattern: string): Pattern {
  const known = PATTERNS.get(pattern);
  if (known !== undefined) return known;
  const pieces = pattern.split(/\{([^{}/]+)\}/);
  const parts = pieces.filter((_, at) => at % 2 === 0);
  const made = {
    parts,
    places: pieces.filter((_, at) => at % 2 === 1),
    form: new RegExp(`^${parts.map((part) => part.replace(/[^\w/-]/g, "\\$&")).join(VALUE)}$`),
  };
  PATTERNS.set(pattern, made);
  return made;
}

/** A value in a path. */
const VALUE = "(?:[a-z0-9_~-]|%[0-9A-F]{2})+";

/** Bytes of a value in a path; what is longer is told apart by its hash. */
const VALUE_BYTES = 100;

/** Bytes of a segment: every file system keeps 255, and a file that is being written has some letters more. */
const SEGMENT_BYTES = 220;

/** A store's own names at its top. */
const OWN = new Set(["cache", "head.json", ".lock"]);

function pathProblems(pattern: string): string[] {
  const problems: string[] = [];
  const segments = pattern.split("/");
  if (segments.length > 8 || pattern.length > 300) problems.push("it is too long");
  if (OWN.has(segments[0]?.toLowerCase() ?? "")) problems.push(`"${segments[0]}" is the store's own`);
  for (const segment of segments) {
    const { parts, places } = patternOf(segment);
    const plain = parts.join("").length + places.length * VALUE_BYTES;
    // A value stands for letters; no segment may begin or end with a dot, for there are "." and "..", and hidden files.
    if (!/^[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/.test(parts.join("v")))
      problems.push(
        `"${segment}" is no name of letters, digits, "_", "-" and, inside, "."; a placeholder is {COLUMN}`,
      );
    else if (plain > SEGMENT_BYTES) problems.push(`"${segment}" may become too long`);
    else if (RESERVED.test(parts.join("v")))
      problems.push(`"${segment}" is a name that Windows keeps for itself`);
  }
  return problems;
}

const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A value as part of a segment: small letters, digits, "_" and "-" are themselves, each byte of everything else is a percent sign
 * and two digits. So no value is a separator, a dot, nothing, or another's in a folder that takes capitals for small letters.
 */
function encoded(value: string): string {
  // No text holds the character 0, so this stands for nothing else.
  if (value === "") return "%00";
  if (PLAIN.test(value) && value.length <= VALUE_BYTES && !RESERVED.test(value)) return value;
  let text = "";
  for (const byte of Buffer.from(value)) text += ENCODED[byte];
  if (RESERVED.test(text)) text = ENCODED_FIRST(text);
  return text.length <= VALUE_BYTES
    ? text
    : `${text.slice(0, 30).replace(/%.?$/, "")}~${sha256(value).slice(0, 40)}`;
}

const PLAIN = /^[a-z0-9_-]+$/;

const ENCODED = Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte);
  return PLAIN.test(letter) ? letter : hexOf(byte);
});

const ENCODED_FIRST = (text: string) => hexOf(text.charCodeAt(0)) + text.slice(1);

function hexOf(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Whether two segments of patterns can be one name. */
function mayBeSame(one: string, other: string): boolean {
  if (patternOf(one).places.length > 0 && patternOf(other).places.length > 0) return true;
  return (
    patternOf(one).form.test(other.toLowerCase()) ||
    patternOf(other).form.test(one.toLowerCase()) ||
    one === other
  );
}
