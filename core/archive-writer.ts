/**
 * The bytes of a pg_dump archive: the table of contents of both formats, and the blocks of data that follow it in custom format.
 * Follows WriteHead and WriteToc of src/bin/pg_dump/pg_backup_archiver.c and pg_backup_custom.c, archive versions 1.14 to 1.16.
 */
import type { ArchiveContents, ArchiveRecord, Section } from "./archive.ts";

/** `custom` is one stream of bytes, `directory` a folder with a file for each table and each large object. */
export type ArchiveFormat = "custom" | "directory";

/** What follows the rows of a table, as pg_dump writes it. */
export const END_OF_ROWS: Uint8Array = Buffer.from("\\.\n\n\n");

/** The head and the table of contents; data is gzipped (in custom format: zlib) when `gzipLevel` is not 0. */
export function contentsBytes(
  contents: ArchiveContents,
  { format, gzipLevel }: { format: ArchiveFormat; gzipLevel: number },
): Uint8Array {
  const pieces: Uint8Array[] = [
    Buffer.from("PGDMP"),
    Buffer.from([1, contents.minor, 0, INTEGER_BYTES, OFFSET_BYTES, FORMATS[format]]),
    contents.minor >= 15 ? Buffer.from([gzipLevel === 0 ? 0 : GZIP]) : integer(gzipLevel),
    ...contents.made.map(integer),
    ...[contents.database, contents.serverVersion, contents.dumpVersion].map(text),
    integer(contents.records.length),
  ];
  for (const record of contents.records) {
    pieces.push(
      integer(record.id),
      integer(record.hasData ? 1 : 0),
      ...[record.catalog, record.oid, record.tag, record.kind].map(text),
      integer(SECTIONS[record.section]),
      ...[record.definition, record.drop, record.copy].map(text),
      ...[record.schema, record.tablespace, record.accessMethod].map(text),
      ...(contents.minor >= 16 ? [integer(record.relationKind)] : []),
      ...[record.owner, record.withOids, ...record.dependencies.map(String), undefined].map(text),
      format === "custom" ? unknownPlace(record) : text(dataFile(record, contents.minor) ?? ""),
    );
  }
  return Buffer.concat(pieces);
}

/** In custom format the data of an entry begins so. A table's is a stream; of large objects each has its identifier and a stream, and after the last one comes `dataEnd`. */
export function blockStart({ id, kind }: ArchiveRecord): Uint8Array {
  return Buffer.concat([Buffer.from([kind === LARGE_OBJECTS ? 3 : 1]), integer(id)]);
}

/** A large object's identifier; it is unsigned, and written as the signed integer of the same bits. */
export function largeObjectStart(oid: number): Uint8Array {
  return integer(oid | 0);
}

/** A stream is any number of chunks and an empty one, its end. */
export function chunkStart(length: number): Uint8Array {
  return integer(length);
}

/** The end of a stream where the next chunk would begin, and of large objects where the next one's identifier would stand. */
export function dataEnd(): Uint8Array {
  return integer(0);
}

/** The kind of the entry whose data are large objects. */
export const LARGE_OBJECTS = "BLOBS";

/** In directory format the file that holds an entry's data, or the list of its large objects, without `.gz`; undefined when it has none. */
export function dataFile({ id, kind, hasData }: ArchiveRecord, minor: number): string | undefined {
  if (kind === LARGE_OBJECTS) return minor >= 16 ? `blobs_${id}.toc` : "blobs.toc";
  return hasData ? `${id}.dat` : undefined;
}

/** In directory format the file that holds a large object, without `.gz`. */
export function largeObjectFile(oid: number): string {
  return `blob_${oid}.dat`;
}

const INTEGER_BYTES = 4;
const OFFSET_BYTES = 8;
const GZIP = 1;
/** A folder's table of contents calls itself a tar file's: the files in both are the same. */
const FORMATS: Record<ArchiveFormat, number> = { custom: 1, directory: 3 };
const SECTIONS: Record<Section, number> = { none: 1, "pre-data": 2, data: 3, "post-data": 4 };

/** A stream cannot be gone back in: where data begins stays open, and pg_restore looks for it. */
function unknownPlace({ hasData }: ArchiveRecord): Uint8Array {
  const place = Buffer.alloc(1 + OFFSET_BYTES);
  place[0] = hasData ? 1 : 3;
  return place;
}

/** A byte for the sign, then the absolute value, lowest byte first. */
function integer(value: number): Uint8Array {
  const bytes = Buffer.alloc(1 + INTEGER_BYTES);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

/** A length and so many bytes of UTF-8; -1 when there is no text at all. */
function text(value: string | undefined): Uint8Array {
  if (value === undefined) return integer(-1);
  const bytes = Buffer.from(value);
  return Buffer.concat([integer(bytes.length), bytes]);
}
