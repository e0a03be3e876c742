/** The object store's contract, and what its ways of putting share. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { OpenUpload } from "./object-leftovers.ts";

interface StoredObject {
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

export interface PutOptions {
  contentType?: string;
  /** In a bucket with Object Lock: until then nobody removes what is put, nor shortens the time. */
  lockUntil?: Date;
}

/** Bytes that somebody has read once already. */
export interface KnownContent {
  size: number;
  /** 64 hex digits. */
  sha256: string;
  /** Whether the key is probably free: then a small one is put at once, and what is there is looked at only when it is not. */
  isNew?: boolean;
  open(): AsyncIterable<Uint8Array>;
}

/** The SDK, once it is loaded. */
export interface LoadedClient {
  client: S3Client;
  s3: typeof import("@aws-sdk/client-s3");
}

export interface PresignedPut {
  url: string;
  /** To be sent as they are; without them the signature does not hold. */
  headers: Record<string, string>;
}

/**
 * Throws from the catalogue only: `ObjectMissing`, `BucketMissing`, `ObjectForbidden`, `ObjectConflict`, `ObjectContended`,
 * `ObjectDamaged`, `ObjectRefused`, `EncryptionKeyUnusable`, and `ObjectStoreUnavailable` once the SDK's own retries are used up.
 */
export interface ObjectStore {
  readonly bucket: string;
  /** Writes, whatever was there. */
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<Put>;
  /** Writes where nothing is; equal content already there is `present`, other content is `ObjectConflict`. */
  putOnce(
    key: string,
    body: Uint8Array,
    options?: PutOptions,
  ): Promise<Put & { outcome: "written" | "present" }>;
  /** As `putOnce`, of a stream whose bytes are known before: at most 5 GiB. It is opened anew for each try, and not at all when they are there. */
  putStreamOnce(
    key: string,
    content: KnownContent,
    options?: PutOptions,
  ): Promise<Put & { outcome: "written" | "present" }>;
  /** Whether these very bytes are there; `ObjectConflict` for others. */
  holds(key: string, content: Pick<KnownContent, "size" | "sha256">): Promise<boolean>;
  /** Writes a stream of any length in bounded memory; when anything fails, the source too, no parts are left. */
  putStream(key: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<Put>;
  get(key: string): Promise<Uint8Array>;
  /** Fails at its end, at the latest, when fewer bytes came than the store promised, or others. */
  getStream(key: string): AsyncIterable<Uint8Array>;
  head(key: string): Promise<ObjectHead>;
  /** In the order of the keys' bytes; of those behind `after`, a whole key, when it is given. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>;
  /** Done, too, when nothing is there. In a versioned bucket older versions stay. */
  remove(key: string): Promise<void>;
  /** Removes what has this ETag; `gone` when nothing is there, `other` when something else is, which stays. */
  removeIf(key: string, etag: string): Promise<"removed" | "gone" | "other">;
  /** Removes all under a prefix for good, every version of it; `ObjectForbidden` when Object Lock keeps any. */
  erase(prefix: string): Promise<{ objects: number; bytes: number }>;
  /** Locks what is there until a date; what is locked longer stays so. */
  lock(key: string, until: Date): Promise<void>;
  /** True when the bucket was made with Object Lock. */
  hasObjectLock(): Promise<boolean>;
  /** What stands directly under a prefix and holds objects, each with its slash. */
  listFolders(prefix: string): Promise<string[]>;
  /** Uploads of many parts that were begun and not ended: no listing of objects shows them, and their parts are paid for. */
  listUploads(prefix: string): Promise<OpenUpload[]>;
  /** Throws its parts away; done, too, when it was ended meanwhile. */
  abortUpload(upload: OpenUpload): Promise<void>;
  presignGet(key: string, seconds: number): Promise<string>;
  /** Accepts exactly these bytes: the hash and the length are under the signature. */
  presignPut(key: string, content: { sha256: string; size: number }, seconds: number): Promise<PresignedPut>;
  /** Lets go of the connections that are kept open. */
  close(): void;
}

/** What every way of putting says of an object. */
export function described(bucket: string, key: string, options?: PutOptions) {
  return {
    Bucket: bucket,
    Key: key,
    ContentType: options?.contentType ?? "application/octet-stream",
    ...(options?.lockUntil !== undefined && {
      ObjectLockMode: "COMPLIANCE" as const,
      ObjectLockRetainUntilDate: options.lockUntil,
    }),
  };
}

export function putResult(
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
