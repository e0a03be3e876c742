/** The files of a store: one JSON document with rows of any models, or lines of which each is a change. */
import type { Row } from "./store.ts";
import type { StoreValue } from "./values.ts";

/** A `.json` file: what it holds, and the store's number when it was written. */
export interface Document {
  seq: number;
  /** In the order of their keys; models without rows are left out. */
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

/** The bytes of a document: equal ones for equal documents. */
export function documentBytes(_document: Document): Buffer {
  throw new Error("not yet");
}

/** Reads a document; throws `StoreFileDamaged`. */
export function parseDocument(_path: string, _bytes: Uint8Array): Document {
  throw new Error("not yet");
}

/** A line with its line feed. */
export function lineText(_line: Line): string {
  throw new Error("not yet");
}

/** Reads lines; a torn last one ends it and is told. Throws `StoreFileDamaged` with the number of a line that is none. */
export class LineReader {
  /** Where the last whole line ended: a file is healed by cutting it there. */
  readonly whole: number = 0;
  /** There is something behind it that is no whole line; known after `end`. */
  readonly torn: boolean = false;

  constructor(_path: string) {}

  /** The lines that this piece of the file completes. */
  take(_piece: Uint8Array): FoundLine[] {
    throw new Error("not yet");
  }

  /** To be called behind the last piece. */
  end(): FoundLine[] {
    throw new Error("not yet");
  }
}

/** Both at once for a file that is in memory. */
export function parseLines(
  _path: string,
  _bytes: Uint8Array,
): { lines: FoundLine[]; whole: number; torn: boolean } {
  throw new Error("not yet");
}
