/** What a file of the store holds, as it is in memory: its rows by model and key, and where it ends. */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreModel } from "../../core/store/definition.ts";
import { documentBytes, LineReader, lineText, parseDocument } from "../../core/store/files.ts";
import { compareKeys, keyRow, keyText } from "../../core/store/keys.ts";
import type { Row } from "../../core/store/store.ts";
import type { FileChange } from "./head.ts";

export type ModelRows = Map<string, Map<string, Row>>;

export interface FileState {
  /** Of the newest change in it; 0 where there is none. */
  seq: number;
  /** Of no file: it had gone, or was not there yet, when the head had this number. */
  since: number;
  /** By model, then by the key's text. */
  rows: ModelRows;
  /** As its place gave it; undefined where there is no file, and empty when nobody knows, behind an append. */
  tag: string | undefined;
  /** Bytes that it has. */
  size: number;
  /** Of lines: where the last whole one ends, how many there are, and of the last ones of one number where they begin and how many. */
  whole: number;
  lines: number;
  lastFrom: number;
  lastCount: number;
  /** What stands behind the last whole line. */
  torn: Uint8Array;
  /** Read while somebody may have been adding lines of its number: some of them may lack. */
  unsure: boolean;
}

/** Of no file. `seq`: when it went, where somebody knows. */
export function noFile(seq = 0): FileState {
  return {
    seq,
    since: seq,
    rows: new Map(),
    tag: undefined,
    size: 0,
    whole: 0,
    lines: 0,
    lastFrom: 0,
    lastCount: 0,
    torn: new Uint8Array(0),
    unsure: false,
  };
}

/** Whether it may have something that came after the commit of that number. */
export function isYounger({ seq, since, tag }: FileState, than: number): boolean {
  return (tag === undefined ? since : seq) > than;
}

export function isLines(path: string): boolean {
  return path.endsWith(".jsonl");
}

/** How many rows it has, of all models. */
export function rowsOf({ rows }: FileState): number {
  let all = 0;
  for (const each of rows.values()) all += each.size;
  return all;
}

/** Reads a file's bytes; throws `StoreFileDamaged`. */
export function parseFile(
  models: ReadonlyMap<string, StoreModel>,
  path: string,
  bytes: Uint8Array,
  tag: string,
): FileState {
  const state: FileState = { ...noFile(), tag, size: bytes.length, whole: bytes.length };
  const rowsIn = (name: string, line?: number) => {
    const model = models.get(name);
    if (model === undefined)
      throw new RehearsalError("StoreFileDamaged", {
        path,
        ...(line !== undefined && { line }),
        reason: `it has rows of "${name}", which is no model of the store`,
      });
    let rows = state.rows.get(name);
    if (rows === undefined) {
      rows = new Map();
      state.rows.set(name, rows);
    }
    return { model, rows };
  };
  if (!isLines(path)) {
    const { seq, models: found } = parseDocument(path, bytes);
    state.seq = seq;
    for (const [name, list] of found) {
      const { model, rows } = rowsIn(name);
      for (const row of list) rows.set(keyText(model, row), row);
    }
    return state;
  }
  const reader = new LineReader(path);
  for (const { line, number, from } of reader.take(bytes)) {
    const { model, rows } = rowsIn(line.model, number);
    if ("put" in line) rows.set(keyText(model, line.put), line.put);
    else rows.delete(keyText(model, keyRow(model, line.delete)));
    if (line.seq > state.seq || state.lines === 0) {
      state.seq = line.seq;
      state.lastFrom = from;
      state.lastCount = 0;
    }
    state.lines++;
    state.lastCount++;
  }
  state.whole = reader.whole;
  // A copy, for the whole file's bytes are let go of.
  state.torn = Uint8Array.prototype.slice.call(bytes, state.whole);
  return state;
}

/** Does the changes to rows in memory. */
export function changeRows(
  models: ReadonlyMap<string, StoreModel>,
  rows: ModelRows,
  changes: readonly FileChange[],
): void {
  for (const change of changes) {
    const model = models.get(change.model);
    if (model === undefined) continue;
    let of = rows.get(change.model);
    if (of === undefined) {
      of = new Map();
      rows.set(change.model, of);
    }
    if ("put" in change) of.set(keyText(model, change.put), change.put);
    else of.delete(keyText(model, keyRow(model, change.delete)));
  }
}

/** The bytes of the whole file with these rows, each of the number `seq`. Without any, the lines of what was deleted tell it. */
export function fileBytes(
  models: ReadonlyMap<string, StoreModel>,
  path: string,
  seq: number,
  rows: ModelRows,
  changes: readonly FileChange[],
): { bytes: Buffer; lines: number } {
  if (isLines(path)) {
    const lines: string[] = [];
    for (const [model, of] of rows) for (const put of of.values()) lines.push(lineText({ seq, model, put }));
    if (lines.length === 0) lines.push(...changes.map((change) => lineText({ seq, ...change })));
    return { bytes: Buffer.from(lines.join("")), lines: lines.length };
  }
  const ordered = new Map<string, Row[]>();
  for (const [name, of] of rows) {
    const model = models.get(name);
    if (model !== undefined)
      ordered.set(
        name,
        [...of.values()].sort((a, b) => compareKeys(model, a, b)),
      );
  }
  return { bytes: documentBytes({ seq, models: ordered }), lines: 0 };
}
