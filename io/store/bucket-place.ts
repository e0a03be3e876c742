/** A store's place in a bucket: conditional requests say who was first, and nothing is ever locked. */
import type { Readable } from "node:stream";
import { RehearsalError } from "../../core/errors.ts";
import { openObjectStore } from "../object-store.ts";
import { translateStoreError } from "../object-store-errors.ts";
import { loadS3 } from "../s3-client.ts";
import type { LoadedClient } from "../stored-object.ts";
import type { Place, Placed } from "./place.ts";
import { checkPath } from "./store-path.ts";

/** How often a body that breaks off is read again; the SDK tries requests again, not bodies. */
const READ_TRIES = 3;
/** How often a write that another one was under way beside (409) is asked again. */
const WRITE_TRIES = 5;

/** Opens a part of a bucket, with the credentials of this process; nothing is asked of it before the first use. */
export function openBucketPlace({ bucket, prefix = "" }: { bucket: string; prefix?: string }): Place {
  const under = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  // An application's bucket may be in another region.
  const objects = openObjectStore({ bucket, elsewhere: true });
  let loaded: Promise<LoadedClient> | undefined;
  const load = () => {
    loaded ??= loadS3({ elsewhere: true });
    return loaded;
  };
  const keyOf = (path: string) => {
    checkPath(path);
    return under + path;
  };
  const place: Place = {
    where: `s3://${bucket}/${under}`,
    appends: false,

    read: (path) => get(keyOf(path)),
    readIf: (path, tag) => get(keyOf(path), tag),

    async *stream(path) {
      try {
        yield* objects.getStream(keyOf(path));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },

    write: async (path, bytes, expected) => {
      const key = keyOf(path);
      const { client, s3 } = await load();
      for (let tries = 1; ; tries++)
        try {
          const { ETag = "" } = await client.send(
            new s3.PutObjectCommand({
              ...{ Bucket: bucket, Key: key, Body: bytes, ContentType: typeOf(path) },
              ...(expected === undefined ? { IfNoneMatch: "*" } : { IfMatch: expected }),
            }),
          );
          return ETag;
        } catch (error) {
          const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
          // 409: another write of this key is under way, and S3 did not wait to see what becomes of it.
          if (status === 409 && tries < WRITE_TRIES) continue;
          // 404: what was there has been removed.
          const gone = status === 404 && (error as Error).name === "NoSuchKey";
          if (status === 412 || status === 409 || gone) return "conflict";
          throw translateStoreError(error, bucket, key);
        }
    },

    writeStream: async (path, source) => {
      await objects.putStream(keyOf(path), source, { contentType: typeOf(path) });
    },

    append: async () => {
      throw new TypeError("an object takes no appends");
    },

    remove: (path) => objects.remove(keyOf(path)),

    async *list(begin) {
      for await (const { key, size } of objects.list(under + begin))
        yield { path: key.slice(under.length), size };
    },

    // Nothing in a bucket keeps others out: whoever writes does so on the condition that nobody else has.
    exclusively: (work) => work(place),

    close: async () => {
      objects.close();
      // Whoever loaded it was told when loading failed.
      await loaded?.then(
        ({ client }) => client.destroy(),
        () => undefined,
      );
    },
  };

  async function get(key: string): Promise<Placed | undefined>;
  async function get(key: string, known: string): Promise<Placed | "same" | undefined>;
  async function get(key: string, known?: string): Promise<Placed | "same" | undefined> {
    const { client, s3 } = await load();
    for (let tries = 1; ; tries++)
      try {
        const found = await client.send(
          new s3.GetObjectCommand({
            ...{ Bucket: bucket, Key: key },
            ...(known !== undefined && known !== "" && { IfNoneMatch: known }),
          }),
        );
        return {
          bytes: await whole(key, found.Body as Readable, found.ContentLength),
          tag: found.ETag ?? "",
        };
      } catch (error) {
        const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        if (known !== undefined && status === 304) return "same";
        const translated = translateStoreError(error, bucket, key);
        if (isMissing(translated)) return undefined;
        const broken = translated instanceof RehearsalError && translated.code === "ObjectStoreUnavailable";
        if (!broken || tries === READ_TRIES) throw translated;
      }
  }

  async function whole(key: string, body: Readable, length: number | undefined): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(piece as Buffer);
    const bytes = Buffer.concat(pieces);
    if (length !== undefined && bytes.length !== length)
      throw new RehearsalError("ObjectStoreUnavailable", {
        bucket,
        reason: `"${key}" ended after ${bytes.length} of ${length} bytes`,
      });
    return bytes;
  }

  return place;
}

function isMissing(error: unknown): boolean {
  return error instanceof RehearsalError && error.code === "ObjectMissing";
}

function typeOf(path: string): string {
  if (path.endsWith(".json")) return "application/json";
  return path.endsWith(".jsonl") ? "application/jsonl" : "application/octet-stream";
}
