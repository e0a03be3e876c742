/** The object store: one S3 bucket, where everything put is hashed on the way in and checked on the way out. */
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { translateStoreError } from "./object-store-errors.ts";
import { uploadStream } from "./object-upload.ts";

export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** As S3 gives it, with its quotes. */
  etag: string;
  modified: Date;
}

export interface ObjectHead extends StoredObject {
  contentType: string;
  /** In a versioned bucket. */
  versionId?: string;
  /** 64 hex digits; known of objects written by `put` and `putOnce`. */
  sha256?: string;
}

/** What was put. */
export interface Put {
  key: string;
  size: number;
  /** 64 hex digits, of the bytes that were sent. */
  sha256: string;
  etag: string;
  versionId?: string;
}

export interface PresignedPut {
  url: string;
  /** To be sent as they are; without them the signature does not hold. */
  headers: Record<string, string>;
}

/**
 * Throws from the catalogue only: `ObjectMissing`, `BucketMissing`, `ObjectForbidden`, `ObjectConflict`, `ObjectContended`,
 * `ObjectDamaged`, `ObjectRefused`, and `ObjectStoreUnavailable` once the SDK's own retries are used up.
 */
export interface ObjectStore {
  readonly bucket: string;
  /** Writes, whatever was there. */
  put(key: string, body: Uint8Array, options?: { contentType?: string }): Promise<Put>;
  /** Writes where nothing is; equal content already there is `present`, other content is `ObjectConflict`. */
  putOnce(
    key: string,
    body: Uint8Array,
    options?: { contentType?: string },
  ): Promise<Put & { outcome: "written" | "present" }>;
  /** Writes a stream of any length in bounded memory; when anything fails, the source too, no parts are left. */
  putStream(key: string, source: AsyncIterable<Uint8Array>, options?: { contentType?: string }): Promise<Put>;
  get(key: string): Promise<Uint8Array>;
  /** Fails at its end, at the latest, when fewer bytes came than the store promised, or others. */
  getStream(key: string): AsyncIterable<Uint8Array>;
  head(key: string): Promise<ObjectHead>;
  /** In the order of the keys' bytes. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Done, too, when nothing is there. In a versioned bucket older versions stay. */
  remove(key: string): Promise<void>;
  presignGet(key: string, seconds: number): Promise<string>;
  /** Accepts exactly these bytes: the hash and the length are under the signature. */
  presignPut(key: string, content: { sha256: string; size: number }, seconds: number): Promise<PresignedPut>;
  /** Lets go of the connections that are kept open. */
  close(): void;
}

/** How often a whole object is read again when the connection breaks in the middle of it. */
const READ_TRIES = 3;
/** How often a write goes on against concurrent changes of its key. */
const WRITE_TRIES = 5;

/** Opens a bucket; the S3 client is loaded on first use, its endpoint, region and credentials are the environment's. */
export function openObjectStore({ bucket }: { bucket: string }): ObjectStore {
  let loaded: ReturnType<typeof loadClient> | undefined;
  const load = () => {
    loaded ??= loadClient();
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
            ChecksumSHA256: base64(hash),
          }),
        );
        return putResult(key, body.length, hash, done);
      }),

    putOnce: (key, body, options) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        const hash = sha256(body);
        for (let tries = 1; tries <= WRITE_TRIES; tries++) {
          try {
            const done = await client.send(
              new s3.PutObjectCommand({
                ...described(bucket, key, options),
                Body: body,
                ChecksumSHA256: base64(hash),
                IfNoneMatch: "*",
              }),
            );
            return { ...putResult(key, body.length, hash, done), outcome: "written" as const };
          } catch (error) {
            const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
            // 409: a deletion came between; what is there now decides, so begin again.
            if (status === 409) continue;
            if (status !== 412) throw error;
          }
          const present = await presentAs(store, key, body.length, hash);
          if (present === "other") throw new RehearsalError("ObjectConflict", { bucket, key });
          if (present !== "gone")
            return { ...putResult(key, body.length, hash, present), outcome: "present" as const };
        }
        throw new RehearsalError("ObjectContended", { bucket, key, tries: WRITE_TRIES });
      }),

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

    async *list(prefix) {
      try {
        const { client, s3 } = await load();
        for await (const page of s3.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
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

    presignGet: (key, seconds) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
        return getSignedUrl(client, new s3.GetObjectCommand({ Bucket: bucket, Key: key }), {
          expiresIn: seconds,
        });
      }),

    presignPut: (key, content, seconds) =>
      guarded(key, async () => {
        const { client, s3 } = await load();
        const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
        const checksum = base64(content.sha256);
        const command = new s3.PutObjectCommand({
          Bucket: bucket,
          Key: key,
          ContentLength: content.size,
          ChecksumSHA256: checksum,
        });
        // In the query the hash would bind nobody: as a signed header the sender has to send it.
        const url = await getSignedUrl(client, command, {
          expiresIn: seconds,
          unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
          signableHeaders: new Set(["host", "content-length", "x-amz-checksum-sha256"]),
        });
        return { url, headers: { "x-amz-checksum-sha256": checksum } };
      }),

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

async function loadClient() {
  const s3 = await import("@aws-sdk/client-s3");
  const client: S3Client = new s3.S3Client({
    retryMode: "standard",
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
  });
  return { s3, client };
}

function described(bucket: string, key: string, options?: { contentType?: string }) {
  return { Bucket: bucket, Key: key, ContentType: options?.contentType ?? "application/octet-stream" };
}

function putResult(
  key: string,
  size: number,
  hash: string,
  done: { ETag?: string | undefined; VersionId?: string | undefined },
): Put {
  return {
    key,
    size,
    sha256: hash,
    etag: done.ETag ?? "",
    ...(done.VersionId !== undefined && { versionId: done.VersionId }),
  };
}

/** What is there after a 412: the same bytes, others, or, since a deletion may come any time, nothing. */
async function presentAs(
  store: ObjectStore,
  key: string,
  size: number,
  hash: string,
): Promise<"other" | "gone" | { ETag: string; VersionId?: string }> {
  try {
    const head = await store.head(key);
    if (head.size !== size) return "other";
    if ((head.sha256 ?? (await hashOf(store.getStream(key)))) !== hash) return "other";
    return { ETag: head.etag, ...(head.versionId !== undefined && { VersionId: head.versionId }) };
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return "gone";
    throw error;
  }
}

async function hashOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of source) hash.update(piece);
  return hash.digest("hex");
}

function base64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}
