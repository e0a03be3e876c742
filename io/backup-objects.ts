/** The objects of a backup: COPY text as one zstd frame with a checksum, written and read back under sha256 and exact lengths. */
import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { CopiedObject, StoredObject } from "../core/backup-manifest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { ObjectStore } from "./object-store.ts";

const PIECE = 256 * 1024;

/** What was written; `raw` and `rawBytes` count before compression. */
interface Written extends StoredObject {
  rawBytes: number;
}

/**
 * Compresses the source into an object; undefined, and no object, when the source has no bytes. A piece of the source has been used
 * when the next but one is asked for.
 */
export async function writeObject(
  store: ObjectStore,
  key: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<Written | undefined> {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done) return undefined;
  let rawBytes = 0;
  async function* counted() {
    for (let piece = first; !piece.done; piece = await pieces.next()) {
      rawBytes += piece.value.length;
      onBytes(piece.value.length);
      yield piece.value;
    }
  }
  const compressor = createZstdCompress({
    chunkSize: PIECE,
    params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const storing = pipeline(compressor, (compressed: AsyncIterable<Uint8Array>) =>
    store.putStream(key, compressed, { contentType: "application/zstd" }),
  );
  try {
    const [stored, fed] = await Promise.allSettled([storing, feed(compressor, counted())]);
    // Each side also fails of the other's failure: where the source failed, that is the one to tell.
    if (fed.status === "rejected" && fed.reason !== STOPPED) throw fed.reason;
    if (stored.status === "rejected") throw stored.reason;
    return { key, size: stored.value.size, sha256: stored.value.sha256, rawBytes };
  } finally {
    // Does nothing at the end; before it, the store or the compressor failed and the COPY must not go on.
    await pieces.return?.();
  }
}

const STOPPED = new Error("nobody takes the compressed bytes any more");

/** Gives piece after piece to the stream, one of them at a time while the next is fetched. Throws the source's failure, or STOPPED. */
async function feed(stream: Writable, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = Promise.withResolvers<never>();
  stream.once("close", () => closed.reject(STOPPED));
  const write = (piece: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      stream.write(piece, (error) => (error ? reject(STOPPED) : resolve()));
    });
  // What fails is met by the wait for the piece before, or for the last; until then it must not count as unhandled.
  closed.promise.catch(() => undefined);
  let taken: Promise<void> = Promise.resolve();
  try {
    for await (const piece of pieces) {
      await taken;
      taken = Promise.race([write(piece), closed.promise]);
      taken.catch(() => undefined);
    }
    await taken;
    stream.end();
  } catch (error) {
    stream.destroy(error === STOPPED ? undefined : (error as Error));
    throw error;
  }
}

/**
 * The decompressed bytes. Never more than the manifest says come out, and the stream ends without an error only when object and
 * content are, to the bit, what was written: whoever consumes it must not make anything final before its end.
 */
export async function* readObject(store: ObjectStore, object: CopiedObject): AsyncGenerator<Uint8Array> {
  const corrupt = (reason: string, cause?: unknown) =>
    new RehearsalError("BackupCorrupt", { object: object.key, reason }, { cause });
  const decompressor = createZstdDecompress({ chunkSize: PIECE });
  const compressed = Readable.from(verified(store, object), { objectMode: false, highWaterMark: PIECE });
  // Each side also fails of the other's failure; what has a code is the cause, the rest is its echo.
  let failure: unknown;
  const keep = (error: unknown) => {
    if (!(failure instanceof RehearsalError)) failure = error;
  };
  const fed = pipeline(compressed, decompressor).catch(keep);
  let rawBytes = 0;
  try {
    for await (const piece of decompressor as AsyncIterable<Uint8Array>) {
      rawBytes += piece.length;
      if (rawBytes > object.rawBytes) throw corrupt(`it decompresses to more than ${object.rawBytes} bytes`);
      yield piece;
    }
  } catch (error) {
    keep(error);
  } finally {
    // With an error, for without one a source that has ended, but is not read to its end, keeps a pipeline waiting for ever.
    compressed.destroy(STOPPED);
    decompressor.destroy();
    await fed;
  }
  if (failure instanceof RehearsalError) throw failure;
  if (failure !== undefined) throw corrupt("it does not decompress", failure);
  if (rawBytes !== object.rawBytes)
    throw corrupt(`it decompresses to ${rawBytes} bytes instead of ${object.rawBytes}`);
}

/** The stored bytes of an object in memory; for those known to be small. */
export async function readWhole(store: ObjectStore, object: StoredObject): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of verified(store, object)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Reads an object to its end and throws when it is missing or not what was written. */
export async function assertIntact(store: ObjectStore, object: StoredObject): Promise<void> {
  for await (const _piece of verified(store, object));
}

/**
 * Throws `BackupObjectMissing` or `BackupCorrupt` unless every object is there as it was when the manifest was written. The manifest
 * came last, so what is older than it is what was verified then; only what may have been written since is read again.
 */
export async function assertStanding(
  store: ObjectStore,
  manifestKey: string,
  objects: readonly StoredObject[],
): Promise<void> {
  const written = (await store.head(manifestKey)).modified;
  const folders = new Set(objects.map(({ key }) => `${key.split("/").slice(0, 3).join("/")}/`));
  const found = new Map<string, { size: number; modified: Date }>();
  for (const folder of folders)
    for await (const { key, size, modified } of store.list(folder)) found.set(key, { size, modified });
  for (const object of objects) {
    const there = found.get(object.key);
    if (there === undefined) throw new RehearsalError("BackupObjectMissing", { object: object.key });
    // S3 tells whole seconds, so what came in the manifest's own second may have come after it.
    if (there.size !== object.size || there.modified >= written) await assertIntact(store, object);
  }
}

/** The stored bytes; an object of another length or hash ends in an error, one that is longer as soon as it is. */
async function* verified(store: ObjectStore, object: StoredObject): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  const corrupt = (reason: string) => new RehearsalError("BackupCorrupt", { object: object.key, reason });
  try {
    for await (const piece of store.getStream(object.key)) {
      size += piece.length;
      if (size > object.size) throw corrupt(`it is longer than ${object.size} bytes`);
      hash.update(piece);
      yield piece;
    }
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    if (error.code === "ObjectMissing")
      throw new RehearsalError("BackupObjectMissing", { object: object.key }, { cause: error });
    if (error.code === "ObjectDamaged") throw corrupt(error.message);
    throw error;
  }
  if (size !== object.size) throw corrupt(`it has ${size} bytes instead of ${object.size}`);
  if (hash.digest("hex") !== object.sha256) throw corrupt("its sha256 differs");
}
