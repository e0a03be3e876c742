/** The files of a store: one JSON document with rows of any models, or lines of which each is a change. FORMATS.md has the bytes. */
import { RehearsalError } from "../errors.ts";
import type { Row } from "./store.ts";
import type { StoreValue } from "./values.ts";

const DOCUMENT_FORMAT = "rehearsal-store/1";

/** A `.json` file: what it holds, and the store's number when it was written. */
export interface Document {
  seq: number;
  /** By the models' names, each in the order of the keys; models without rows are left out. */
  models: ReadonlyMap<string, readonly Row[]>;
}

/** A line of a `.jsonl` file. Of several for one key the last counts. */
export type Line =
  | { seq: number; model: string; put: Row }
  | { seq: number; model: string; delete: readonly StoreValue[] };

/** A line with where it stood. */
export interface FoundLine {
  line: Line;
  /** From 1. */
  number: number;
  /** Of its first byte, and behind its line feed. */
  from: number;
  to: number;
}

/** The bytes of a document, for people as well; equal documents are equal bytes. */
export function documentBytes({ seq, models }: Document): Buffer {
  const named = [...models]
    .filter(([, rows]) => rows.length > 0)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  // From entries, for a model may be called `__proto__`.
  const document = { format: DOCUMENT_FORMAT, seq, models: Object.fromEntries(named) };
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/** Reads a document; throws `StoreFileDamaged`. What the rows hold is not looked at. */
export function parseDocument(path: string, bytes: Uint8Array): Document {
  let value: unknown;
  try {
    value = JSON.parse(DECODER.decode(bytes));
  } catch (error) {
    throw new RehearsalError(
      "StoreFileDamaged",
      { path, reason: (error as Error).message },
      { cause: error },
    );
  }
  const damaged = (reason: string) => new RehearsalError("StoreFileDamaged", { path, reason });
  if (!isObject(value) || value.format !== DOCUMENT_FORMAT)
    throw damaged(`its format is not ${DOCUMENT_FORMAT}`);
  const { seq, models } = value;
  if (!isCount(seq)) throw damaged("its seq is no whole number");
  if (!isObject(models)) throw damaged("it has no models");
  for (const [model, rows] of Object.entries(models))
    if (!Array.isArray(rows) || !rows.every(isObject))
      throw damaged(`its models.${model} is no list of rows`);
  return { seq, models: new Map(Object.entries(models as Record<string, Row[]>)) };
}

/** A line with its line feed. */
export function lineText(line: Line): string {
  const head = `{"seq":${line.seq},"model":${JSON.stringify(line.model)},`;
  return "put" in line
    ? `${head}"put":${JSON.stringify(line.put)}}\n`
    : `${head}"delete":${JSON.stringify(line.delete)}}\n`;
}

/**
 * Reads lines out of pieces of a file. What stands behind the last whole line is torn: a write that was cut short. Throws
 * `StoreFileDamaged` with the number of a line in the midst that is none.
 */
export class LineReader {
  readonly #path: string;
  #rest: Uint8Array = new Uint8Array(0);
  #number = 0;
  #at = 0;
  /** A line that is none; torn when no other follows. */
  #bad: { number: number; from: number; reason: string } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Where the last whole line ended, in bytes: a file is healed by cutting it there. */
  get whole(): number {
    return this.#bad?.from ?? this.#at;
  }

  /** Whether something stands behind the last whole line; to be asked behind the last piece. */
  get torn(): boolean {
    return this.#rest.length > 0 || this.#bad !== undefined;
  }

  /** The lines that this piece completes. */
  take(piece: Uint8Array): FoundLine[] {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    // A copy, for whoever gave the piece may write over it.
    this.#rest = Uint8Array.prototype.slice.call(bytes, end);
    const found: FoundLine[] = [];
    for (const { text, length } of end === 0 ? [] : textsOf(bytes.subarray(0, end))) {
      const line = this.#line(text, length);
      if (line !== undefined) found.push(line);
    }
    return found;
  }

  #line(text: string | undefined, length: number): FoundLine | undefined {
    if (this.#bad !== undefined)
      throw new RehearsalError("StoreFileDamaged", {
        path: this.#path,
        line: this.#bad.number,
        reason: this.#bad.reason,
      });
    const from = this.#at;
    this.#at += length;
    const number = ++this.#number;
    const line = text === undefined ? "it is not text in UTF-8" : parseLine(text);
    if (typeof line !== "string") return { line, number, from, to: this.#at };
    this.#bad = { number, from, reason: line };
    return undefined;
  }
}

/** The lines of a file that is in memory; throws as a `LineReader` does. */
export function parseLines(
  path: string,
  bytes: Uint8Array,
): { lines: FoundLine[]; whole: number; torn: boolean } {
  const reader = new LineReader(path);
  const lines = reader.take(bytes);
  return { lines, whole: reader.whole, torn: reader.torn };
}

/** Whole lines, with their lengths in bytes; those that are no text are undefined. Many are decoded at once, which is quicker. */
function* textsOf(bytes: Uint8Array): Generator<{ text: string | undefined; length: number }> {
  const whole = decode(bytes);
  if (whole === undefined) {
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(LINE_FEED, from);
      yield { text: decode(bytes.subarray(from, end)), length: end + 1 - from };
      from = end + 1;
    }
    return;
  }
  const plain = whole.length === bytes.length;
  for (let from = 0; from < whole.length; ) {
    const end = whole.indexOf("\n", from);
    const text = whole.slice(from, end);
    yield { text, length: (plain ? text.length : Buffer.byteLength(text)) + 1 };
    from = end + 1;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A line, or why it is none. */
function parseLine(text: string): Line | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  if (!isObject(value)) return "it is no object";
  if (!isCount(value.seq)) return "its seq is no whole number";
  if (typeof value.model !== "string") return "it names no model";
  const { put, delete: gone } = value;
  if (isObject(put) ? gone === undefined : put === undefined && Array.isArray(gone)) return value as Line;
  return "it neither puts a row nor deletes a key";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const LINE_FEED = 10;

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
