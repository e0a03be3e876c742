/** Reads one record: its documents, and of its files what they are; nothing of it is written yet. */
import { createHash } from "node:crypto";
import { JsonRefused, readJson } from "../../core/import/json-text.ts";
import type { SetLayout } from "../../core/import/layout.ts";
import type { ImportMapping } from "../../core/import/mapping.ts";
import { keyWithHash } from "../../core/import/media.ts";
import { type Disagreement, planRecord } from "../../core/import/record.ts";
import { documentsOf, type PlannedRow, type RecordDocument } from "../../core/import/record-content.ts";
import { RecordRefused, type Refusal } from "../../core/import/refused.ts";
import { type MediaRead, type StagedRecord, stageRecord } from "../../core/import/staged.ts";
import type { FoundRecord } from "./records.ts";
import type { FileSource, SourceFile } from "./source.ts";

/** An object that the record's rows speak of. */
export interface RecordMedia extends MediaRead {
  file: SourceFile;
  key: string;
  contentType: string;
}

export interface ReadRecord {
  folder: string;
  /** Undefined for a record that is refused. */
  staged?: StagedRecord;
  refusal?: Refusal;
  media: RecordMedia[];
  disagreements: Disagreement[];
  /** Files that the mapping does not name, from the source's top. */
  unread: string[];
  /** Bytes that were read. */
  bytes: number;
}

/** Reads it; a record that cannot be imported is told as such, what is the source's fault is thrown. */
export async function readRecord(
  mapping: ImportMapping,
  layout: readonly SetLayout[],
  source: FileSource,
  found: FoundRecord,
): Promise<ReadRecord> {
  const { folder } = found;
  const read: ReadRecord = { folder, media: [], disagreements: [], unread: [], bytes: 0 };
  try {
    return await readWhole(mapping, layout, source, found, read);
  } catch (error) {
    if (!(error instanceof RecordRefused)) throw error;
    return { ...read, refusal: error.refusal };
  }
}

async function readWhole(
  mapping: ImportMapping,
  layout: readonly SetLayout[],
  source: FileSource,
  { folder, files, odd }: FoundRecord,
  read: ReadRecord,
): Promise<ReadRecord> {
  if (odd !== undefined)
    throw new RecordRefused({ code: "ImportNameRefused", path: odd.path, at: "", reason: odd.odd });
  const inside = new Map(files.map((file) => [file.path.slice(folder.length), file]));
  const documents = documentsOf(mapping, folder, inside.keys());
  const json = new Map<string, RecordDocument["json"]>();
  for (const document of documents) {
    const file = inside.get(document.path);
    if (file === undefined || mapping.documents[document.name]?.as === "file") continue;
    if (!json.has(document.path)) {
      json.set(document.path, await readDocument(mapping, source, file));
      read.bytes += file.size;
    }
    const parsed = json.get(document.path);
    if (parsed !== undefined) document.json = parsed;
  }
  const content = {
    folder,
    documents,
    files: new Map([...inside].map(([path, { size }]) => [path, { path, size }])),
  };
  const { rows, disagreements } = planRecord(mapping, layout, content);
  const hashes = await readMedia(source, inside, folder, rows.flat(), read);
  const used = new Set([...documents.map(({ path }) => path), ...hashes.keys()]);
  return {
    ...read,
    staged: stageRecord(layout, folder, rows, ({ media }) => hashes.get(media?.file.path ?? "")),
    disagreements,
    unread: files.map(({ path }) => path).filter((path) => !used.has(path.slice(folder.length))),
  };
}

async function readDocument(
  { limits }: ImportMapping,
  source: FileSource,
  file: SourceFile,
): Promise<NonNullable<RecordDocument["json"]>> {
  const refuse = (at: string, reason: string) =>
    new RecordRefused({ code: "ImportDocumentRefused", path: file.path, at, reason });
  // By its size, before a byte of it is read.
  if (file.size > limits.document)
    throw refuse("its size", `it has ${file.size} bytes, and ${limits.document} are the most`);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.read(file)) pieces.push(piece);
  const [only] = pieces;
  try {
    return readJson(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces), limits.depth);
  } catch (error) {
    if (error instanceof JsonRefused) throw refuse(error.at, error.message);
    throw error;
  }
}

/** What each file is that a row is about, by its path below the folder; what is stated of it has to be so. */
async function readMedia(
  source: FileSource,
  inside: ReadonlyMap<string, SourceFile>,
  folder: string,
  rows: readonly PlannedRow[],
  read: ReadRecord,
): Promise<Map<string, MediaRead>> {
  const hashes = new Map<string, MediaRead>();
  const keys = new Map<string, string>();
  for (const { media } of rows) {
    if (media === undefined) continue;
    const { path } = media.file;
    const file = inside.get(path);
    if (file === undefined) throw new Error("a row's file is none of the record's");
    const refuse = (reason: string) =>
      new RecordRefused({ code: "ImportMediaRefused", path: folder + path, at: "", reason });
    if (file.size > LARGEST) throw refuse(`it has ${file.size} bytes, and ${LARGEST} are the most`);
    const known = hashes.get(path) ?? { sha256: await hashOf(source, file), bytes: file.size };
    if (!hashes.has(path)) read.bytes += file.size;
    hashes.set(path, known);
    if (media.sha256 !== undefined && media.sha256 !== known.sha256)
      throw refuse(`its SHA-256 is ${known.sha256}, and the record says ${media.sha256}`);
    if (media.bytes !== undefined && BigInt(media.bytes) !== BigInt(known.bytes))
      throw refuse(`it has ${known.bytes} bytes, and the record says ${media.bytes}`);
    const key = keyWithHash(media.key, known.sha256);
    const other = keys.get(key);
    if (other !== undefined && other !== known.sha256)
      throw refuse(`another file of the record has the key ${key}`);
    if (other === undefined) read.media.push({ ...known, file, key, contentType: media.contentType });
    keys.set(key, known.sha256);
  }
  return hashes;
}

/** What S3 takes in one piece. */
const LARGEST = 5 * 1024 ** 3;

async function hashOf(source: FileSource, file: SourceFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of source.read(file)) hash.update(piece);
  return hash.digest("hex");
}
