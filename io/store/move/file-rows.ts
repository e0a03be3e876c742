/** The rows that a store's file holds, whatever its size: of lines that speak of one key, the last. */
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import {
  documentBytes,
  type FoundLine,
  LineReader,
  lineText,
  parseDocument,
  parseLines,
} from "../../../core/store/files.ts";
import { keyRow, keyText } from "../../../core/store/keys.ts";
import type { Row } from "../../../core/store/store.ts";
import type { Place } from "../place.ts";
import { KeyNumbers, keyHash } from "./key-numbers.ts";

/** Lines of a file up to this size are held at once. */
const HELD = 8 * 1024 ** 2;
/** About what a line's place takes in memory, and what a line takes in a file at least. */
const SLOT_BYTES = 24;
const LINE_BYTES = 64;

export interface FileRow {
  model: StoreModel;
  row: Row;
}

export interface ReadFile {
  /** Some rows at a time. Throws `StoreFileDamaged`. */
  rows: AsyncIterable<FileRow[]>;
  /** What is odd about it without being damage; known behind the last row. */
  oddities: FileOddities;
}

export interface FileOddities {
  /** It ends with something that is no whole line. */
  torn: boolean;
  /** The store would have written other bytes for the same. */
  rewritten: boolean;
  /** Names of models that are none. */
  strangers: Set<string>;
}

/** Reads a file; `memory` is what the places of lines may take in a large one, which is read the more often. */
export function readFile(
  place: Place,
  { path, size }: ListedFile,
  definition: StoreDefinition,
  memory = HELD * 8,
): ReadFile {
  const oddities = { torn: false, rewritten: false, strangers: new Set<string>() };
  const models = new Map(definition.models.map((model) => [model.name, model]));
  const modelOf = (name: string) => {
    const model = models.get(name);
    if (model === undefined) oddities.strangers.add(name);
    return model;
  };
  if (!path.endsWith(".jsonl")) return { rows: document(place, path, modelOf, oddities), oddities };
  if (size <= HELD) return { rows: fewLines(place, path, modelOf, oddities), oddities };
  const passes = Math.ceil(((size / LINE_BYTES) * SLOT_BYTES) / memory);
  return { rows: manyLines(place, path, modelOf, oddities, passes), oddities };
}

/** Bytes of files, and files, that are read while others are still looked at: a bucket answers late. */
const AHEAD_BYTES = 8 * 1024 ** 2;
const AHEAD = 8;

interface ListedFile {
  path: string;
  size: number;
}

/** Reads files one after the other, small ones ahead. What is wrong with one is thrown where its rows are asked for. */
export async function* readFiles(
  place: Place,
  files: AsyncIterable<ListedFile>,
  definition: StoreDefinition,
): AsyncGenerator<ListedFile & ReadFile> {
  const ahead: (ListedFile & ReadFile)[] = [];
  let bytes = 0;
  for await (const file of files) {
    while (ahead.length === AHEAD || (ahead.length > 0 && bytes + file.size > AHEAD_BYTES)) {
      const next = ahead.shift();
      if (next === undefined) break;
      bytes -= next.size;
      yield next;
    }
    const found = readFile(place, file, definition);
    ahead.push({ ...file, ...found, ...(file.size <= HELD && { rows: begun(found.rows) }) });
    bytes += file.size;
  }
  yield* ahead;
}

/** The same rows, the first of them asked for already. */
function begun(rows: AsyncIterable<FileRow[]>): AsyncIterable<FileRow[]> {
  const rest = rows[Symbol.asyncIterator]();
  const first = rest.next();
  // Whoever reads is told; nobody may come to it, when something else has failed.
  first.catch(() => undefined);
  return (async function* () {
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
  })();
}

type ModelOf = (name: string) => StoreModel | undefined;

async function* document(
  place: Place,
  path: string,
  modelOf: ModelOf,
  oddities: FileOddities,
): AsyncGenerator<FileRow[]> {
  const found = await place.read(path);
  if (found === undefined) return;
  const parsed = parseDocument(path, found.bytes);
  oddities.rewritten = !documentBytes(parsed).equals(found.bytes);
  for (const [name, rows] of parsed.models) {
    const model = modelOf(name);
    if (model !== undefined) yield rows.map((row) => ({ model, row }));
  }
}

async function* fewLines(
  place: Place,
  path: string,
  modelOf: ModelOf,
  oddities: FileOddities,
): AsyncGenerator<FileRow[]> {
  const found = await place.read(path);
  if (found === undefined) return;
  const { lines, torn } = parseLines(path, found.bytes);
  oddities.torn = torn;
  const last = new Map<string, FileRow>();
  for (const { line, from, to } of lines) {
    if (!oddities.rewritten) oddities.rewritten = lineText(line) !== found.bytes.toString("utf8", from, to);
    const model = modelOf(line.model);
    if (model === undefined) continue;
    const key = keyOfLine(model, line);
    if ("put" in line) last.set(key, { model, row: line.put });
    else last.delete(key);
  }
  yield [...last.values()];
}

/** Of the keys of each pass it is first found out which line is their last; then those lines are read again. */
async function* manyLines(
  place: Place,
  path: string,
  modelOf: ModelOf,
  oddities: FileOddities,
  passes: number,
): AsyncGenerator<FileRow[]> {
  for (let pass = 0; pass < passes; pass++) {
    const last = new KeyNumbers();
    for await (const lines of linesOf(place, path, oddities))
      for (const { line, number } of lines) {
        const model = modelOf(line.model);
        if (model === undefined) continue;
        const hash = keyHash(keyOfLine(model, line));
        if (hash.high % passes === pass) last.set(hash, number);
      }
    for await (const lines of linesOf(place, path, oddities)) {
      const rows: FileRow[] = [];
      for (const { line, number } of lines) {
        if (!("put" in line)) continue;
        const model = modelOf(line.model);
        if (model === undefined) continue;
        const hash = keyHash(keyOfLine(model, line));
        if (hash.high % passes === pass && last.get(hash) === number) rows.push({ model, row: line.put });
      }
      if (rows.length > 0) yield rows;
    }
  }
}

async function* linesOf(place: Place, path: string, oddities: FileOddities): AsyncGenerator<FoundLine[]> {
  const reader = new LineReader(path);
  for await (const piece of place.stream(path)) yield reader.take(piece);
  oddities.torn = reader.torn;
}

function keyOfLine(model: StoreModel, line: FoundLine["line"]): string {
  const key = keyRow(model, "put" in line ? line.put : line.delete);
  try {
    return `${model.name} ${keyText(model, key)}`;
  } catch {
    // A key that is none, put in by hand: whoever looks at the row tells what is wrong with it.
    return `${model.name} ${JSON.stringify(key)}`;
  }
}
