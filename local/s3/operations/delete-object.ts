/** DeleteObject and DeleteObjects: a delete marker, or the end of one version unless Object Lock keeps it. */
import * as z from "zod";
import type { Bucket, Version } from "../bucket.ts";
import { S3Failure } from "../failure.ts";
import { checkDeletable } from "../object-lock.ts";
import { bucketOf, type Call, type Operation, timestamp, unquoted } from "../operation.ts";
import { claimsChecksum, receiveText } from "../payload.ts";
import { document, type Element, elementOf, parseDocument, repeated } from "../xml.ts";

export const deleteObject: Operation = async (call) => {
  const gone = await remove(bucketOf(call), call, {
    key: call.key,
    ...(call.query.versionId !== undefined && { versionId: call.query.versionId }),
    ...(call.headers["if-match"] !== undefined && { etag: call.headers["if-match"] }),
  });
  return {
    status: 204,
    headers: {
      "x-amz-delete-marker": gone.marker ? "true" : undefined,
      "x-amz-version-id": gone.versionId,
    },
  };
};

const DELETE = elementOf({
  Quiet: z.enum(["true", "false"]).optional(),
  Object: repeated(
    z.strictObject({ Key: z.string().min(1), VersionId: z.string().optional(), ETag: z.string().optional() }),
  ).refine((objects) => objects.length >= 1 && objects.length <= 1_000),
});

interface Target {
  key: string;
  versionId?: string;
  etag?: string;
}

export const deleteObjects: Operation = async (call) => {
  const bucket = bucketOf(call);
  if (!claimsChecksum(call.headers))
    throw new S3Failure(
      "InvalidRequest",
      "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    );
  const asked = parseDocument(await receiveText(call.headers, call.body), "Delete", DELETE);
  const results: Element[] = [];
  for (const { Key, VersionId, ETag } of asked.Object) {
    const target: Target = {
      key: Key,
      ...(VersionId && { versionId: VersionId }),
      ...(ETag && { etag: ETag }),
    };
    try {
      const gone = await remove(bucket, call, target);
      if (asked.Quiet !== "true") results.push(["Deleted", deleted(target, gone)]);
    } catch (error) {
      if (!(error instanceof S3Failure)) throw error;
      results.push([
        "Error",
        [
          ["Key", Key],
          ["VersionId", VersionId],
          ["Code", error.code],
          ["Message", error.message],
        ],
      ]);
    }
  }
  return { body: document("DeleteResult", results) };
};

function deleted(target: Target, gone: Gone): Element[] {
  return [
    ["Key", target.key],
    ["VersionId", target.versionId],
    ["DeleteMarker", gone.marker || undefined],
    ["DeleteMarkerVersionId", gone.marker ? gone.versionId : undefined],
  ];
}

interface Gone {
  /** True when a delete marker was made, or was itself deleted. */
  marker: boolean;
  versionId: string | undefined;
}

/** Deleting what is not there succeeds, as with S3. */
async function remove(bucket: Bucket, call: Call, target: Target): Promise<Gone> {
  const { key, versionId, etag } = target;
  if (versionId === undefined && bucket.config.versioning !== undefined) return mark(bucket, call, target);
  return bucket.inTurn(key, async () => {
    const version = versionId === undefined ? bucket.current(key) : bucket.version(key, versionId);
    checkMatch(key, etag, version);
    if (version === undefined) return { marker: false, versionId };
    checkDeletable(version.lock, call.headers["x-amz-bypass-governance-retention"] === "true", call.now);
    await bucket.remove(version);
    return { marker: version.deleteMarker === true, versionId };
  });
}

async function mark(bucket: Bucket, call: Call, { key, etag }: Target): Promise<Gone> {
  const staged = await call.buckets.staging.file(async () => ({
    key,
    versionId: bucket.nextVersionId(),
    deleteMarker: true as const,
    size: 0,
    etag: "",
    modified: timestamp(Date.now()),
    headers: {},
    metadata: {},
    lock: {},
  }));
  const marker = await bucket.publish(staged, () => checkMatch(key, etag, bucket.current(key)));
  return { marker: true, versionId: marker.versionId };
}

function checkMatch(key: string, etag: string | undefined, version: Version | undefined): void {
  if (etag === undefined) return;
  if (version === undefined) throw new S3Failure("NoSuchKey", undefined, { facts: { Key: key } });
  if (etag.trim() !== "*" && unquoted(etag) !== version.etag)
    throw new S3Failure("PreconditionFailed", undefined, { facts: { Condition: "If-Match" } });
}
