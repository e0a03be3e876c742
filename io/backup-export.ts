/** Exports a backup as an archive of pg_dump, from its objects and without a server, so that stock pg_restore is all that is needed to leave. */
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createDeflate, createGzip } from "node:zlib";
import { type ArchiveRecord, parseContents } from "../core/archive.ts";
import {
  type ArchiveFormat,
  blockStart,
  chunkStart,
  contentsBytes,
  dataEnd,
  dataFile,
  END_OF_ROWS,
  LARGE_OBJECTS,
  largeObjectFile,
  largeObjectStart,
} from "../core/archive-writer.ts";
import type { BackupManifest, CopiedObject } from "../core/backup-manifest.ts";
import { RehearsalError } from "../core/errors.ts";
import { type ExportPlan, planExport } from "../core/export-plan.ts";
import { LargeObjectLines, type LargeObjectPiece } from "../core/large-object-lines.ts";
import { readObject, readWhole } from "./backup-objects.ts";
import type { ObjectStore } from "./object-store.ts";

export interface ExportOptions {
  store: ObjectStore;
  manifest: BackupManifest;
  /** `custom`: one file; `directory`: a folder of files, from which `pg_restore -j` restores best. */
  format: ArchiveFormat;
  /** zlib's, 1 to 9; 0 leaves the data as it is; 6, which is pg_dump's, when not given. */
  compression?: number;
  /** The major of the oldest pg_restore that shall read it; the backed-up server's own when not given. */
  reader?: number;
}

interface ExportedPiece {
  /** In the folder, without a slash in it; undefined in custom format. A file's pieces come one after the other, those of an empty file as one without bytes. */
  path: string | undefined;
  bytes: Uint8Array;
}

/**
 * The archive, piece by piece, in bounded memory. Every object is checked while it is read, so a piece may belong to one that proves
 * damaged later: the archive is good when the generator has ended, and of no use when it throws (`BackupCorrupt`,
 * `BackupObjectMissing`, `ArchiveUnreadable`, or the store's error). What was written by then pg_restore refuses: a stream breaks off
 * inside its data, a folder has no `toc.dat`, which comes last.
 */
export async function* exportBackup(options: ExportOptions): AsyncGenerator<ExportedPiece> {
  const { store, manifest, format, compression: gzipLevel = 6, reader = manifest.server.major } = options;
  const plan = planExport(parseContents(await readWhole(store, manifest.toc)), manifest, reader);
  const contents = contentsBytes(plan.contents, { format, gzipLevel });
  if (format === "directory") {
    yield* folder(store, plan, gzipLevel);
    yield { path: "toc.dat", bytes: contents };
    return;
  }
  yield { path: undefined, bytes: contents };
  for await (const bytes of blocks(store, plan, gzipLevel)) yield { path: undefined, bytes };
}

async function* blocks(store: ObjectStore, plan: ExportPlan, level: number): AsyncGenerator<Uint8Array> {
  const deflate = level === 0 ? undefined : () => createDeflate({ level, chunkSize: CHUNK });
  async function* stream(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of packed(source, deflate)) {
      yield chunkStart(chunk.length);
      yield chunk;
    }
    yield dataEnd();
  }
  for (const { record, objects } of plan.data) {
    yield blockStart(record);
    if (record.kind === LARGE_OBJECTS) {
      for await (const { oid, bytes } of largeObjects(store, objects)) {
        yield largeObjectStart(oid);
        yield* stream(bytes);
      }
      yield dataEnd();
    } else {
      yield* stream(rowsOf(store, objects));
    }
  }
}

async function* folder(store: ObjectStore, plan: ExportPlan, level: number): AsyncGenerator<ExportedPiece> {
  const gzip = level === 0 ? undefined : () => createGzip({ level, chunkSize: CHUNK });
  async function* file(name: string, source: AsyncIterable<Uint8Array>) {
    const path = gzip === undefined ? name : `${name}.gz`;
    let empty = true;
    for await (const bytes of packed(source, gzip)) {
      empty = false;
      yield { path, bytes };
    }
    if (empty) yield { path, bytes: new Uint8Array() };
  }
  for (const { record, objects } of plan.data) {
    const name = nameOf(record, plan);
    if (record.kind !== LARGE_OBJECTS) {
      yield* file(name, rowsOf(store, objects));
      continue;
    }
    const list: string[] = [];
    for await (const { oid, bytes } of largeObjects(store, objects)) {
      yield* file(largeObjectFile(oid), bytes);
      list.push(`${oid} ${largeObjectFile(oid)}\n`);
    }
    yield { path: name, bytes: Buffer.from(list.join("")) };
  }
}

function nameOf(record: ArchiveRecord, { contents }: ExportPlan): string {
  const name = dataFile(record, contents.minor);
  if (name === undefined) throw new Error(`entry ${record.id} has no data`);
  return name;
}

/** The COPY text of one table, however many objects it lies in. */
async function* rowsOf(store: ObjectStore, objects: CopiedObject[]): AsyncGenerator<Uint8Array> {
  for (const object of objects) {
    let lines = 0;
    let last = LINE_FEED;
    for await (const piece of readObject(store, object)) {
      for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, at + 1)) lines++;
      last = piece.at(-1) ?? last;
      yield piece;
    }
    // COPY writes a line feed inside a value as \n: one is the end of a row, and nothing else is.
    if (lines !== object.rows || last !== LINE_FEED)
      throw corrupt(object, `it holds ${lines} rows instead of ${object.rows}`);
  }
  yield END_OF_ROWS;
}

/** Each large object, whose bytes have to be taken before the next one is asked for. */
async function* largeObjects(
  store: ObjectStore,
  objects: CopiedObject[],
): AsyncGenerator<{ oid: number; bytes: AsyncIterable<Uint8Array> }> {
  for (const object of objects) {
    const pieces = piecesOf(store, object);
    let next = await pieces.next();
    async function* bytes(oid: number) {
      for (let written = 0; !next.done && next.value.oid === oid; next = await pieces.next()) {
        if (next.value.offset !== written)
          throw corrupt(object, `large object ${oid} has a gap at ${written}`);
        written += next.value.bytes.length;
        yield next.value.bytes;
      }
    }
    try {
      for (let last = 0; !next.done; ) {
        const { oid } = next.value;
        if (oid <= last) throw corrupt(object, `large object ${oid} comes after ${last}`);
        last = oid;
        yield { oid, bytes: bytes(oid) };
      }
    } finally {
      await pieces.return(undefined);
    }
  }
}

async function* piecesOf(store: ObjectStore, object: CopiedObject): AsyncGenerator<LargeObjectPiece> {
  const lines = new LargeObjectLines(object.key);
  let count = 0;
  for await (const text of readObject(store, object))
    for (const piece of lines.take(text)) {
      count++;
      yield piece;
    }
  lines.end();
  if (count !== object.rows) throw corrupt(object, `it holds ${count} rows instead of ${object.rows}`);
}

const LINE_FEED = 10;
/** What is compressed at a time, and the longest chunk of a stream: pg_restore holds one in memory. */
const CHUNK = 256 * 1024;

/** What comes out of the packer, or the source as it is, in pieces that are never empty. */
async function* packed(
  source: AsyncIterable<Uint8Array>,
  makePacker: (() => Transform) | undefined,
): AsyncGenerator<Uint8Array> {
  if (makePacker === undefined) {
    for await (const piece of source) if (piece.length > 0) yield piece;
    return;
  }
  const packer = makePacker();
  const raw = Readable.from(source, { objectMode: false, highWaterMark: CHUNK });
  // Each side also fails of the other's failure; the first one is the cause.
  let failure: unknown;
  const fed = pipeline(raw, packer).catch((error: unknown) => {
    failure ??= error;
  });
  try {
    for await (const piece of packer as AsyncIterable<Uint8Array>) yield piece;
  } catch (error) {
    failure ??= error;
  } finally {
    // With an error, for without one a source that has ended, but is not read to its end, keeps a pipeline waiting for ever.
    raw.destroy(new Error("nobody takes the packed bytes any more"));
    packer.destroy();
    await fed;
  }
  if (failure !== undefined) throw failure;
}

function corrupt(object: CopiedObject, reason: string): RehearsalError {
  return new RehearsalError("BackupCorrupt", { object: object.key, reason });
}
