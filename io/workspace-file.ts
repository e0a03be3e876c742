/** A small file of the workspace, on this machine or in a bucket: read whole, and replaced only as it was read. */
import type { Readable } from "node:stream";
import { parseConfigurationItem } from "../core/configuration.ts";
import { RehearsalError } from "../core/errors.ts";
import { newId } from "./new-id.ts";
import { translateStoreError } from "./object-store-errors.ts";
import { loadS3 } from "./s3-client.ts";

/** Bytes that such a file may have. */
const LARGEST = 64 * 1024;

/** How often a write goes on against others who write at the same time. */
const TRIES = 5;

/** The file's text, undefined where there is none; throws `WorkspaceFileUnusable`, or what may pass. */
export async function readWorkspaceFile(at: string): Promise<string | undefined> {
  return usable(at, (place) => place.read());
}

/**
 * Replaces the text by what `change` makes of it; undefined leaves it. Whoever reads it meanwhile sees the old text or
 * the new one, whole. In a bucket a write of somebody else in between is seen, and `change` is asked again.
 */
export async function changeWorkspaceFile(
  at: string,
  change: (text: string | undefined) => string | undefined,
): Promise<void> {
  await usable(at, async (place) => {
    for (let tries = 1; tries <= TRIES; tries++) {
      const before = await place.read();
      const after = change(before);
      if (after === undefined || after === before || (await place.replace(after))) return;
    }
    throw unusable(at, `others wrote it at the same time, ${TRIES} times in a row`);
  });
}

interface Place {
  read(): Promise<string | undefined>;
  /** False when it is not what was read any more. */
  replace(text: string): Promise<boolean>;
  close(): void;
}

async function open(at: string): Promise<Place> {
  const source = parseConfigurationItem(at);
  if (source.kind === "s3") return openObject(at, source.bucket, source.key);
  if (source.kind === "file") return openFile(at, source.folder + source.name);
  throw unusable(at, "it is neither an object nor a file");
}

async function openFile(at: string, path: string): Promise<Place> {
  const files = await import("node:fs/promises");
  return {
    read: async () => {
      const found = await files.stat(path).catch(absent);
      if (found === undefined) return undefined;
      if (!found.isFile() || found.size > LARGEST)
        throw unusable(at, `it is no file of at most ${LARGEST} bytes`);
      return files.readFile(path, "utf8");
    },
    replace: async (text) => {
      const beside = `${path}.${newId("task")}`;
      const mode = (await files.stat(path).catch(absent))?.mode;
      const handle = await files.open(beside, "wx", mode);
      try {
        await handle.writeFile(text);
        // On the disk before it has the name, or a loss of power could leave an empty file under it.
        await handle.sync();
        await handle.close();
        await files.rename(beside, path);
      } catch (error) {
        await handle.close();
        await files.rm(beside, { force: true });
        throw error;
      }
      return true;
    },
    close: () => undefined,
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function openObject(at: string, bucket: string, key: string): Promise<Place> {
  const { s3, client } = await loadS3({ elsewhere: true });
  let etag: string | undefined;
  return {
    read: async () => {
      try {
        const found = await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: key }));
        if ((found.ContentLength ?? 0) > LARGEST) {
          // What nobody reads must not break off later, when nobody listens.
          (found.Body as Readable | undefined)?.destroy();
          throw unusable(at, `it has more than ${LARGEST} bytes`);
        }
        etag = found.ETag;
        return await found.Body?.transformToString();
      } catch (error) {
        const translated = translateStoreError(error, bucket, key);
        if (!(translated instanceof RehearsalError) || translated.code !== "ObjectMissing") throw translated;
        etag = undefined;
        return undefined;
      }
    },
    replace: async (text) => {
      const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
      const put = { Bucket: bucket, Key: key, Body: text, ContentType: "application/json" };
      try {
        await client.send(new s3.PutObjectCommand({ ...put, ...condition }));
        return true;
      } catch (error) {
        // 412: it is not what was read; 409: another conditional write is under way; 404: it was removed meanwhile.
        const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        const missing = error instanceof Error && error.name === "NoSuchKey";
        if (status === 412 || status === 409 || missing) return false;
        throw translateStoreError(error, bucket, key);
      }
    },
    close: () => client.destroy(),
  };
}

async function usable<T>(at: string, work: (place: Place) => Promise<T>): Promise<T> {
  let place: Place | undefined;
  try {
    place = await open(at);
    return await work(place);
  } catch (error) {
    if (error instanceof RehearsalError && (error.retryable || error.code === "WorkspaceFileUnusable"))
      throw error;
    throw unusable(at, error instanceof Error ? error.message : String(error), error);
  } finally {
    place?.close();
  }
}

function unusable(at: string, reason: string, cause?: unknown): RehearsalError {
  return new RehearsalError("WorkspaceFileUnusable", { at, reason }, { cause });
}
