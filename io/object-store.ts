/** The object store: one S3 bucket, where everything put is hashed on the way in and checked on the way out. */
import type { Readable } from "node:stream";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { eraseObjects } from "./object-erase.ts";
import { abortUpload, listFolders, listUploads } from "./object-leftovers.ts";
import { lockObject } from "./object-lock.ts";
import { presignGet, presignPut } from "./object-presign.ts";
import { putOnce, putStreamOnce, whereHeld } from "./object-put-once.ts";
import { translateStoreError } from "./object-store-errors.ts";
import { uploadStream } from "./object-upload.ts";
import { loadS3 } from "./s3-client.ts";
import { described, type LoadedClient, type ObjectStore, putResult } from "./stored-object.ts";

export type * from "./stored-object.ts";

/** How often a whole object is read again when the connection breaks in the middle of it. */
const READ_TRIES = 3;

/** Opens a bucket; the S3 client is loaded on first use, its endpoint, region and credentials are the environment's. */
export function openObjectStore({ bucket, elsewhere }: { bucket: string; elsewhere?: boolean }): ObjectStore {
  let loaded: Promise<LoadedClient> | undefined;
  const load = () => {
    loaded ??= loadS3({ elsewhere });
    return loaded;
  };
  const guarded = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translateStoreError(error, bucket, key);
    }
  };

  const store: ObjectStore = {
    bucket,

    put: (key, body, options) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        const hash = sha256(body);
        const done = await client.send(
          new s3.PutObjectCommand({
            ...described(bucket, key, options),
            Body: body,
            ChecksumSHA256: Buffer.from(hash, "hex").toString("base64"),
          }),
        );
        return putResult(key, body.length, hash, done);
      }),

    putOnce: (key, body, options) =>
      guarded(key, async () => putOnce(store, await load(), key, body, options)),

    putStreamOnce: (key, content, options) =>
      guarded(key, async () => putStreamOnce(store, await load(), key, content, options)),

    holds: (key, content) => guarded(key, async () => (await whereHeld(store, key, content)) !== "gone"),

    putStream: (key, source, options) =>
      guarded(key, async () => {
        const { client } = await load();
        const {
          size,
          sha256: hash,
          done,
        } = await uploadStream(client, described(bucket, key, options), source);
        return putResult(key, size, hash, done);
      }),

    get: (key) =>
      guarded(key, async () => {
        for (let tries = 1; ; tries++) {
          try {
            const pieces: Uint8Array[] = [];
            for await (const piece of store.getStream(key)) pieces.push(piece);
            return Buffer.concat(pieces);
          } catch (error) {
            // The SDK tries requests again, not bodies that break off.
            const broken = error instanceof RehearsalError && error.code === "ObjectStoreUnavailable";
            if (!broken || tries === READ_TRIES) throw error;
          }
        }
      }),

    async *getStream(key) {
      let body: Readable | undefined;
      try {
        const { client, s3 } = await load();
        const found = await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: key }));
        body = found.Body as Readable;
        let size = 0;
        for await (const piece of body as AsyncIterable<Uint8Array>) {
          size += piece.length;
          yield piece;
        }
        if (size !== found.ContentLength)
          throw new RehearsalError("ObjectStoreUnavailable", {
            bucket,
            reason: `"${key}" ended after ${size} of ${found.ContentLength} bytes`,
          });
      } catch (error) {
        throw translateStoreError(error, bucket, key);
      } finally {
        // A reader who stops early must not leave the connection waiting for him.
        body?.destroy();
      }
    },

    head: (key) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        const found = await client.send(
          new s3.HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }),
        );
        const whole = found.ChecksumType !== "COMPOSITE" && !found.ChecksumSHA256?.includes("-");
        return {
          key,
          size: found.ContentLength ?? 0,
          etag: found.ETag ?? "",
          modified: found.LastModified ?? new Date(0),
          contentType: found.ContentType ?? "binary/octet-stream",
          ...(found.VersionId !== undefined && { versionId: found.VersionId }),
          ...(found.ChecksumSHA256 !== undefined &&
            whole && { sha256: Buffer.from(found.ChecksumSHA256, "base64").toString("hex") }),
        };
      }),

    async *list(prefix, after) {
      try {
        const { client, s3 } = await load();
        for await (const page of s3.paginateListObjectsV2(
          { client },
          { Bucket: bucket, Prefix: prefix, ...(after && { StartAfter: after }) },
        ))
          for (const { Key, Size, ETag, LastModified } of page.Contents ?? [])
            if (Key !== undefined)
              yield { key: Key, size: Size ?? 0, etag: ETag ?? "", modified: LastModified ?? new Date(0) };
      } catch (error) {
        throw translateStoreError(error, bucket, prefix);
      }
    },

    remove: (key) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        await client.send(new s3.DeleteObjectCommand({ Bucket: bucket, Key: key }));
      }),

    removeIf: (key, etag) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        try {
          await client.send(new s3.DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }));
          return "removed";
        } catch (error) {
          const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
          if (status === 404) return "gone";
          if (status === 412 || status === 409) return "other";
          throw error;
        }
      }),

    erase: (prefix) => guarded(prefix, async () => eraseObjects(await load(), bucket, prefix)),

    lock: (key, until) => guarded(key, async () => lockObject(await load(), bucket, key, until)),

    hasObjectLock: () =>
      guarded("", async () => {
        const { client, s3 } = await load();
        try {
          const found = await client.send(new s3.GetObjectLockConfigurationCommand({ Bucket: bucket }));
          return found.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
        } catch (error) {
          if ((error as Error).name === "ObjectLockConfigurationNotFoundError") return false;
          throw error;
        }
      }),

    listFolders: (prefix) => guarded(prefix, async () => listFolders(await load(), bucket, prefix)),

    listUploads: (prefix) => guarded(prefix, async () => listUploads(await load(), bucket, prefix)),

    abortUpload: (upload) => guarded(upload.key, async () => abortUpload(await load(), bucket, upload)),

    presignGet: (key, seconds) => guarded(key, async () => presignGet(await load(), bucket, key, seconds)),

    presignPut: (key, content, seconds) =>
      guarded(key, async () => presignPut(await load(), bucket, key, content, seconds)),

    close: () => {
      // Whoever loaded it was told when loading failed.
      void loaded?.then(
        ({ client }) => client.destroy(),
        () => undefined,
      );
    },
  };
  return store;
}
