/** The files of a store that is being made: some under way at a time, each written once, and put together where two parts meet in one. */
import { RehearsalError } from "../../../core/errors.ts";
import { withoutContents } from "../../../core/store/content.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { documentBytes, lineText, parseDocument } from "../../../core/store/files.ts";
import { compareKeys, keyText } from "../../../core/store/keys.ts";
import { pathOf } from "../../../core/store/paths.ts";
import type { Row } from "../../../core/store/store.ts";
import type { Place } from "../place.ts";
import type { RowSource } from "./file-groups.ts";
import { KeyNumbers, keyHash } from "./key-numbers.ts";

/** What an export writes comes before the first commit. */
const SEQ = 0;
/** Files under way at once, and their bytes: a disk and a bucket answer late. */
const IN_FLIGHT = 16;
const IN_FLIGHT_BYTES = 16 * 1024 ** 2;
/** Characters of lines that are sent together; a file of fewer is written at once. */
const PIECE = 256 * 1024;
/** Of a document, which whoever reads it holds whole: bytes of its rows as the server sent them. */
const MOST_DOCUMENT = 64 * 1024 ** 2;

/** Rows of a document, by model. */
type Rows = Map<string, Row[]>;

export class NewFiles {
  /** So far. */
  readonly written = { files: 0, bytes: 0 };
  #place: Place;
  #definition: StoreDefinition;
  #underWay = new Map<string, { done: Promise<void>; bytes: number }>();
  /** Paths that were written, or begun. */
  #mine = new KeyNumbers({ numbers: false });
  #failure: { error: unknown } | undefined;

  constructor(place: Place, definition: StoreDefinition) {
    this.#place = place;
    this.#definition = definition;
  }

  /** Rows that came for one place, and so, but for texts that only look alike, for one file. Afterwards they are written or under way. */
  async addPart(part: readonly RowSource[]): Promise<void> {
    const [first] = part;
    if (first === undefined) return;
    if (first.model.file.endsWith(".jsonl")) await this.#addLines(part);
    else await this.#addDocuments(part);
  }

  /** Waits for all that is under way; throws what went wrong. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await this.#oneDone();
    this.#assertGood();
  }

  async #addDocuments(part: readonly RowSource[]): Promise<void> {
    const documents = new Map<string, Rows>();
    let size = 0;
    for await (const { model, path, row, bytes } of this.#rows(part)) {
      size += bytes;
      if (size > MOST_DOCUMENT)
        throw new RehearsalError("StoreDocumentTooLarge", {
          ...{ path, model: model.name, megabytes: MOST_DOCUMENT / 1024 ** 2 },
        });
      add(documents, path, model.name, row);
    }
    for (const [path, rows] of documents) await this.#begin(path, this.#document(rows));
  }

  async #addLines(part: readonly RowSource[]): Promise<void> {
    const others = new Map<string, string>();
    const rows = this.#rows(part);
    const first = await rows.next();
    if (first.done) return;
    const { path } = first.value;
    const lines = async function* (): AsyncGenerator<Buffer> {
      let piece = lineOf(first.value);
      for await (const found of rows) {
        if (found.path === path) piece += lineOf(found);
        else others.set(found.path, (others.get(found.path) ?? "") + lineOf(found));
        if (piece.length < PIECE) continue;
        yield Buffer.from(piece);
        piece = "";
      }
      if (piece !== "") yield Buffer.from(piece);
    };
    const pieces = lines();
    const start = await pieces.next();
    const more = await pieces.next();
    if (start.done) return;
    if (more.done) await this.#begin(path, start.value);
    else await this.#stream(path, [start.value, more.value], pieces);
    for (const [other, text] of others) await this.#begin(other, Buffer.from(text));
  }

  /** The rows of a part, their contents put into files of their own. */
  async *#rows(part: readonly RowSource[]): AsyncGenerator<Placed> {
    for (const source of part)
      for await (const run of source.run())
        for (const { row: whole, bytes } of run) {
          const { row, files } = withoutContents(source.model, whole);
          let beside = 0;
          // Equal contents are one file, so there is nothing to join.
          for (const { path, bytes: content } of files) {
            // The server wrote two digits for each byte.
            beside += content.length * 2;
            await this.#begin(path, content, async () => {});
          }
          yield { model: source.model, path: pathOf(source.model, row), row, bytes: bytes - beside };
        }
  }

  /** Writes the file beside others; where another part has come to the same file before, it is joined with that. */
  async #begin(path: string, bytes: Uint8Array, join = () => this.#join(path, bytes)): Promise<void> {
    await this.#room(path);
    const done = this.#write(path, bytes, join)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(path));
    this.#underWay.set(path, { done, bytes: bytes.length });
  }

  async #write(path: string, bytes: Uint8Array, join: () => Promise<void>): Promise<void> {
    if (!this.#mine.add(keyHash(path))) return join();
    const isThere = async () => (await this.#place.read(path))?.bytes.equals(bytes);
    // The place was empty: another export writes here, unless the answer to this very write was lost.
    if ((await this.#place.write(path, bytes, undefined)) === "conflict" && !(await isThere()))
      throw this.#overtaken();
    this.written.files++;
    this.written.bytes += bytes.length;
  }

  async #join(path: string, bytes: Uint8Array): Promise<void> {
    this.written.bytes += bytes.length;
    if (path.endsWith(".jsonl")) {
      await this.#place.writeStream(path, both(this.#place.stream(path), [bytes]));
      return;
    }
    const found = await this.#place.read(path);
    const rows: Rows = new Map();
    for (const document of [found?.bytes ?? Buffer.alloc(0), bytes])
      for (const [model, its] of parseDocument(path, document).models)
        rows.set(model, [...(rows.get(model) ?? []), ...its]);
    const joined = await this.#place.write(path, this.#document(rows), found?.tag);
    if (joined === "conflict") throw this.#overtaken();
  }

  /** Somebody else writes here. */
  #overtaken(): RehearsalError {
    return new RehearsalError("StoreExportOvertaken", { place: this.#place.where });
  }

  /** A file of more lines than are kept in memory. */
  async #stream(path: string, start: Buffer[], rest: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#room(path);
    const there = !this.#mine.add(keyHash(path));
    const counted = async function* (written: NewFiles["written"]) {
      for await (const piece of both(start, rest)) {
        written.bytes += piece.length;
        yield piece;
      }
    };
    const pieces = counted(this.written);
    await this.#place.writeStream(path, there ? both(this.#place.stream(path), pieces) : pieces);
    if (!there) this.written.files++;
  }

  #document(rows: Rows): Buffer {
    const models = new Map<string, Row[]>();
    for (const model of this.#definition.models) {
      const its = new Map(rows.get(model.name)?.map((row) => [keyText(model, row), row]));
      if (its.size > 0)
        models.set(
          model.name,
          [...its.values()].sort((a, b) => compareKeys(model, a, b)),
        );
    }
    return documentBytes({ seq: SEQ, models });
  }

  /** Waits until there is room, and nothing is under way to the same file. */
  async #room(path: string): Promise<void> {
    const isFull = () =>
      this.#underWay.has(path) ||
      this.#underWay.size >= IN_FLIGHT ||
      [...this.#underWay.values()].reduce((sum, { bytes }) => sum + bytes, 0) >= IN_FLIGHT_BYTES;
    while (isFull()) await this.#oneDone();
    this.#assertGood();
  }

  async #oneDone(): Promise<void> {
    await Promise.race([...this.#underWay.values()].map(({ done }) => done));
  }

  #assertGood(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

interface Placed {
  model: StoreModel;
  path: string;
  row: Row;
  bytes: number;
}

function lineOf({ model, row }: Placed): string {
  return lineText({ seq: SEQ, model: model.name, put: row });
}

function add(documents: Map<string, Rows>, path: string, model: string, row: Row): void {
  const rows: Rows = documents.get(path) ?? new Map();
  documents.set(path, rows);
  const its = rows.get(model);
  if (its === undefined) rows.set(model, [row]);
  else its.push(row);
}

async function* both(
  first: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  second: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* second;
}
