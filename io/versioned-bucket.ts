/** A bucket of somebody's application: its objects with their versions, and putting one back as it was. */
import type {
  ChecksumAlgorithm,
  CopyObjectCommandInput,
  CreateMultipartUploadCommandInput,
  HeadObjectCommandOutput,
} from "@aws-sdk/client-s3";
import { RehearsalError } from "../core/errors.ts";
import type { StoredVersion } from "../core/storage.ts";
import { copyInParts } from "./copy-in-parts.ts";
import { translateStoreError } from "./object-store-errors.ts";
import { type Replaced, replaceObject } from "./replaced-object.ts";
import { loadS3 } from "./s3-client.ts";
import type { LoadedClient } from "./stored-object.ts";

/** What came of putting an object back. */
type PutBack =
  | { done: "copied"; versionId: string }
  /** Another version, with the same bytes and the same description: an earlier attempt did it, or the application. */
  | { done: "equal" }
  /** It cannot be done, now or ever. */
  | { done: "lost"; reason: string };

export interface VersionedBucket {
  /** `Enabled`, `Suspended`, or `Off` where it never was switched on. */
  versioning(): Promise<"Enabled" | "Suspended" | "Off">;
  /** What every key under the prefix holds now, in the order of the keys' bytes; a page at a time is in memory. */
  list(prefix: string): AsyncGenerator<StoredVersion>;
  /**
   * Copies the recorded version over what the key holds now, which it must still hold: else `ObjectContended`. No version is
   * removed, so what was there stays behind it.
   */
  putBack(recorded: StoredVersion, now: StoredVersion | undefined): Promise<PutBack>;
  /**
   * Writes a small object over what its key holds, and leaves it alone where that has the same bytes already. What was there
   * stays behind it as a version. Throws `ObjectContended` where others keep writing it.
   */
  replace(key: string, body: Uint8Array, contentType: string): Promise<Replaced>;
  close(): void;
}

interface Limits {
  /** Bytes that S3 copies at once; more are copied in parts. */
  largestCopy: number;
  /** Bytes of a part. */
  part: number;
}

const LIMITS: Limits = { largestCopy: 5 * 1024 ** 3, part: 512 * 1024 ** 2 };

/** Opens a bucket with the credentials of this process; the S3 client is loaded on first use. */
export function openVersionedBucket(bucket: string, { largestCopy, part } = LIMITS): VersionedBucket {
  let loaded: Promise<LoadedClient> | undefined;
  const load = () => {
    // A copy of 5 GiB is answered when it is done.
    loaded ??= loadS3({ longest: 300_000, elsewhere: true });
    return loaded;
  };
  const guarded = async <T>(key: string, work: (loaded: LoadedClient) => Promise<T>): Promise<T> => {
    try {
      return await work(await load());
    } catch (error) {
      throw translateStoreError(error, bucket, key);
    }
  };

  /** Undefined when that version is gone. */
  const describe = async (key: string, versionId: string): Promise<HeadObjectCommandOutput | undefined> => {
    try {
      return await guarded(key, ({ client, s3 }) =>
        client.send(
          new s3.HeadObjectCommand({
            Bucket: bucket,
            Key: key,
            VersionId: versionId,
            ChecksumMode: "ENABLED",
          }),
        ),
      );
    } catch (error) {
      if (error instanceof RehearsalError && error.code === "ObjectMissing") return undefined;
      throw error;
    }
  };

  return {
    versioning: () =>
      guarded("", async ({ client, s3 }) => {
        const found = await client.send(new s3.GetBucketVersioningCommand({ Bucket: bucket }));
        return found.Status ?? "Off";
      }),

    async *list(prefix) {
      let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
      while (marker !== undefined) {
        const page = await guarded(prefix, ({ client, s3 }) =>
          client.send(
            new s3.ListObjectVersionsCommand({
              Bucket: bucket,
              Prefix: prefix,
              // XML cannot carry every character that a key may have.
              EncodingType: "url",
              ...marker,
            }),
          ),
        );
        for (const { Key = "", VersionId = "", ETag = "", Size = 0, IsLatest } of page.Versions ?? [])
          if (IsLatest) yield { key: decode(Key), versionId: VersionId, etag: ETag, size: Size };
        marker = page.IsTruncated
          ? {
              KeyMarker: decode(page.NextKeyMarker ?? ""),
              // A common prefix has none; without delimiter there are no such.
              VersionIdMarker: page.NextVersionIdMarker,
            }
          : undefined;
      }
    },

    putBack: async (recorded, now) => {
      const { key, versionId } = recorded;
      const wanted = await describe(key, versionId);
      if (wanted === undefined) return { done: "lost", reason: `its version ${versionId} is gone` };
      const found = now && (await describe(key, now.versionId));
      if (found !== undefined && isEqual(wanted, found)) return { done: "equal" };
      const source = {
        target: { Bucket: bucket, Key: key },
        CopySource: `${bucket}/${encodeURIComponent(key)}?versionId=${encodeURIComponent(versionId)}`,
        // What the application writes meanwhile is newer than what this was decided on.
        condition: now === undefined ? { IfNoneMatch: "*" } : { IfMatch: now.etag },
      };
      try {
        return await guarded(key, async ({ client, s3 }) => {
          const { target, CopySource, condition } = source;
          const copying =
            recorded.size > largestCopy
              ? describeParts({ client, s3 }, target, versionId, wanted).then((description) =>
                  copyInParts({ client, s3 }, { ...source, size: recorded.size, part, description }),
                )
              : client.send(
                  new s3.CopyObjectCommand({ ...target, CopySource, ...kept(wanted), ...condition }),
                );
          const copy = await copying.catch((error: unknown) => {
            throw ofCopy(error, bucket, key);
          });
          return { done: "copied", versionId: copy.VersionId ?? "null" };
        });
      } catch (error) {
        if (error instanceof RehearsalError && error.code === "ObjectMissing")
          return { done: "lost", reason: `its version ${versionId} is gone` };
        if (error instanceof RehearsalError && error.code === "ObjectRefused")
          return { done: "lost", reason: error.message };
        throw error;
      }
    },

    replace: (key, body, contentType) =>
      guarded(key, (loaded) => replaceObject(loaded, { Bucket: bucket, Key: key }, body, contentType)),

    close: () => {
      // Whoever loaded it was told when loading failed.
      void loaded?.then(
        ({ client }) => client.destroy(),
        () => undefined,
      );
    },
  };
}

function decode(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll("+", " "));
}

/** CopyObject takes the description along and the tags; these it would take from the bucket. */
function kept(wanted: HeadObjectCommandOutput): Partial<CopyObjectCommandInput> {
  const locked = (wanted.ObjectLockRetainUntilDate?.getTime() ?? 0) > Date.now();
  const given = {
    StorageClass: wanted.StorageClass,
    ServerSideEncryption: wanted.ServerSideEncryption,
    SSEKMSKeyId: wanted.SSEKMSKeyId,
    BucketKeyEnabled: wanted.BucketKeyEnabled,
    WebsiteRedirectLocation: wanted.WebsiteRedirectLocation,
    ObjectLockMode: locked ? wanted.ObjectLockMode : undefined,
    ObjectLockRetainUntilDate: locked ? wanted.ObjectLockRetainUntilDate : undefined,
    ObjectLockLegalHoldStatus: wanted.ObjectLockLegalHoldStatus,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** What a copy in parts is told, because it takes nothing along: all that CopyObject would. */
async function describeParts(
  { client, s3 }: LoadedClient,
  target: { Bucket: string; Key: string },
  VersionId: string,
  wanted: HeadObjectCommandOutput,
): Promise<Partial<CreateMultipartUploadCommandInput>> {
  const checksum = CHECKSUMS.find((name) => name.startsWith("ChecksumCRC") && wanted[name] !== undefined);
  const tags =
    (wanted.TagCount ?? 0) > 0
      ? (await client.send(new s3.GetObjectTaggingCommand({ ...target, VersionId }))).TagSet
      : undefined;
  const { CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType, Metadata } =
    wanted;
  const given = {
    ...{ CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType, Metadata },
    Expires: wanted.ExpiresString === undefined ? undefined : new Date(wanted.ExpiresString),
    Tagging:
      tags &&
      new URLSearchParams(tags.map(({ Key = "", Value = "" }): [string, string] => [Key, Value])).toString(),
    // A checksum of the same kind tells the next attempt that this was done.
    ...(wanted.ChecksumType === "FULL_OBJECT" &&
      checksum !== undefined && {
        ChecksumAlgorithm: checksum.slice("Checksum".length) as ChecksumAlgorithm,
        ChecksumType: "FULL_OBJECT" as const,
      }),
  };
  const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...told, ...(kept(wanted) as Partial<CreateMultipartUploadCommandInput>) };
}

/** The same bytes, which an ETag tells or, where it is none of the content, a checksum of the whole; and the same description. */
function isEqual(a: HeadObjectCommandOutput, b: HeadObjectCommandOutput): boolean {
  return (
    a.ContentLength === b.ContentLength && (a.ETag === b.ETag || sameChecksum(a, b)) && told(a) === told(b)
  );
}

const CHECKSUMS = [
  "ChecksumCRC64NVME",
  "ChecksumSHA256",
  "ChecksumSHA1",
  "ChecksumCRC32C",
  "ChecksumCRC32",
] as const;

function sameChecksum(a: HeadObjectCommandOutput, b: HeadObjectCommandOutput): boolean {
  if (a.ChecksumType !== "FULL_OBJECT" || b.ChecksumType !== "FULL_OBJECT") return false;
  return CHECKSUMS.some((name) => a[name] !== undefined && a[name] === b[name]);
}

function told(head: HeadObjectCommandOutput): string {
  return JSON.stringify([
    Object.entries(head.Metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    head.ContentType,
    head.CacheControl,
    head.ContentDisposition,
    head.ContentEncoding,
    head.ContentLanguage,
    head.ExpiresString,
    head.WebsiteRedirectLocation,
  ]);
}

/** What S3 says of a copy in particular: what changed meanwhile, and what lies in an archive. */
function ofCopy(error: unknown, bucket: string, key: string): unknown {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  // Of a source that is gone S3 says NoSuchVersion; without the key itself there is nothing that could match.
  if (status === 412 || status === 409 || name === "NoSuchKey")
    return new RehearsalError("ObjectContended", { bucket, key, tries: 1 }, { cause: error });
  if (name === "InvalidObjectState")
    return new RehearsalError(
      "ObjectRefused",
      { bucket, key, reason: "its version lies in an archive" },
      { cause: error },
    );
  return error;
}
