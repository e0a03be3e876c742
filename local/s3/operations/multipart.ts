/** Multipart uploads: create, upload a part, complete, abort. Longer than most, because the four share one upload's rules. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import type { Bucket, VersionRecord } from "../bucket.ts";
import {
  base64Digest,
  CHECKSUM_ALGORITHMS,
  checksumElement,
  checksumHeader,
  compositeChecksum,
  startChecksum,
} from "../checksums.ts";
import { readWriteCondition } from "../conditions.ts";
import { readDescription, versionHeader } from "../description.ts";
import { S3Failure } from "../failure.ts";
import { lockOfNewVersion } from "../object-lock.ts";
import { bucketOf, type Call, type Operation, quoted, timestamp, unquoted } from "../operation.ts";
import { type Headers, receive, receiveText } from "../payload.ts";
import { openBody } from "../staging.ts";
import { type PartRecord, partFile, UPLOAD_FILE, type Upload, type UploadRecord } from "../upload.ts";
import { document, elementOf, parseDocument, repeated } from "../xml.ts";

const SMALLEST_PART = 5 * 1024 ** 2;
const MOST_PARTS = 10_000;

export const createMultipartUpload: Operation = async (call) => {
  const bucket = bucketOf(call);
  const upload: UploadRecord = {
    uploadId: randomBytes(48).toString("base64url"),
    key: call.key,
    initiated: timestamp(call.now),
    ...readDescription(call.headers),
    lock: lockOfNewVersion(call.headers, bucket.config, call.now),
    checksum: readChecksumWish(call.headers),
  };
  const staged = await call.buckets.staging.folder(UPLOAD_FILE, upload);
  await staged.publish(bucket.uploadFolder(upload.uploadId));
  bucket.uploads.set(upload.uploadId, { ...upload, parts: new Map() });
  return {
    headers: upload.checksum.asked
      ? { "x-amz-checksum-algorithm": upload.checksum.algorithm, "x-amz-checksum-type": upload.checksum.type }
      : {},
    body: document("InitiateMultipartUploadResult", [
      ["Bucket", call.bucket],
      ["Key", call.key],
      ["UploadId", upload.uploadId],
    ]),
  };
};

/** "Checking object integrity" of the S3 User Guide: which types an algorithm knows, and which it has by default. */
function readChecksumWish(headers: Headers): UploadRecord["checksum"] {
  const asked = headers["x-amz-checksum-algorithm"]?.toUpperCase();
  const type = headers["x-amz-checksum-type"]?.toUpperCase();
  if (asked === undefined) {
    if (type !== undefined)
      throw new S3Failure(
        "InvalidRequest",
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    return { algorithm: "CRC64NVME", type: "FULL_OBJECT", asked: false };
  }
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === asked);
  if (algorithm === undefined)
    throw new S3Failure("InvalidRequest", "Checksum algorithm provided is unsupported.");
  const fallback = algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
  const chosen = (["FULL_OBJECT", "COMPOSITE"] as const).find((known) => known === (type ?? fallback));
  const impossible = chosen === "FULL_OBJECT" ? algorithm.startsWith("SHA") : algorithm === "CRC64NVME";
  if (chosen === undefined || impossible)
    throw new S3Failure(
      "InvalidRequest",
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: chosen, asked: true };
}

export const uploadPart: Operation = async (call) => {
  const bucket = bucketOf(call);
  const upload = findUpload(bucket, call);
  const number = partNumber(call);
  const { algorithm, asked } = upload.checksum;
  const staged = await call.buckets.staging.file<PartRecord>(async (write) => {
    const { size, md5, checksum } = await receive(call.headers, call.body, write, algorithm);
    if (asked && checksum.algorithm !== algorithm)
      throw new S3Failure(
        "InvalidRequest",
        `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
      );
    return { number, size, etag: md5, modified: timestamp(Date.now()), checksum };
  });
  return bucket.inTurn(upload.key, async () => {
    if (bucket.uploads.get(upload.uploadId) !== upload) {
      await staged.discard();
      throw new S3Failure("NoSuchUpload");
    }
    await staged.publish(join(bucket.uploadFolder(upload.uploadId), partFile(number)));
    upload.parts.set(number, staged.footer);
    const { etag, checksum } = staged.footer;
    return { headers: { etag: quoted(etag), [checksumHeader(checksum.algorithm)]: checksum.value } };
  });
};

/** The part's number; throws InvalidArgument. */
export function partNumber(call: Pick<Call, "query">): number {
  const number = Number(call.query.partNumber);
  if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS)
    throw new S3Failure("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  return number;
}

/** Removes the upload and its parts; what is being received for it is refused when it has come. */
export const abortMultipartUpload: Operation = async (call) => {
  const bucket = bucketOf(call);
  const upload = findUpload(bucket, call);
  await bucket.inTurn(upload.key, () => dissolve(call, bucket, upload));
  return { status: 204 };
};

const CHECKSUM_MEMBERS = Object.fromEntries(
  CHECKSUM_ALGORITHMS.map((algorithm) => [checksumElement(algorithm), z.string().optional()]),
);

const COMPLETE = elementOf({
  Part: repeated(
    z
      .strictObject({ PartNumber: z.string().regex(/^\d{1,5}$/), ETag: z.string(), ...CHECKSUM_MEMBERS })
      .transform(({ PartNumber, ETag, ...checksums }) => ({
        number: Number(PartNumber),
        etag: unquoted(ETag),
        checksums: checksums as Record<string, string | undefined>,
      })),
  ),
});

type NamedPart = z.infer<typeof COMPLETE>["Part"][number];

/** Joins the parts into one staged file and publishes it; the upload is dissolved only after that. */
export const completeMultipartUpload: Operation = async (call) => {
  const bucket = bucketOf(call);
  const upload = findUpload(bucket, call);
  const named = parseDocument(
    await receiveText(bodyHeaders(call.headers), call.body),
    "CompleteMultipartUpload",
    COMPLETE,
  ).Part;
  return bucket.conditionally(call.key, readWriteCondition(call.headers), async (check) => {
    check();
    const parts = chooseParts(upload, named);
    const over = () => bucket.uploads.get(upload.uploadId) !== upload;
    const staged = await call.buckets.staging
      .file((write) => joinParts(call, bucket, upload, parts, write))
      .catch((error: unknown) => {
        // Its parts went away under the joining: another request completed or aborted it.
        throw over() ? new S3Failure("NoSuchUpload") : error;
      });
    const version = await bucket.publish(staged, () => {
      if (over()) throw new S3Failure("NoSuchUpload");
      if (parts.some((part) => upload.parts.get(part.number) !== part)) throw new S3Failure("InvalidPart");
      check();
      bucket.uploads.delete(upload.uploadId);
    });
    await call.buckets.staging.remove(bucket.uploadFolder(upload.uploadId));
    return {
      headers: { "x-amz-version-id": versionHeader(version) },
      body: document("CompleteMultipartUploadResult", [
        ["Location", `http://${call.headers.host}/${call.bucket}/${encodeURIComponent(call.key)}`],
        ["Bucket", call.bucket],
        ["Key", call.key],
        ["ETag", quoted(version.etag)],
        ...(version.checksum
          ? ([
              [checksumElement(version.checksum.algorithm), version.checksum.value],
              ["ChecksumType", version.checksum.type],
            ] as const)
          : []),
      ]),
    };
  });
};

/** Its checksum headers speak of the object; the body is only the list of parts. */
function bodyHeaders(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("x-amz-checksum-")));
}

/** Throws InvalidPartOrder, InvalidPart, EntityTooSmall, or InvalidRequest when a part's checksum is missing. */
function chooseParts(upload: Upload, named: readonly NamedPart[]): PartRecord[] {
  if (named.length === 0) throw new S3Failure("MalformedXML");
  const chosen = named.map(({ number, etag, checksums }, index) => {
    if (index > 0 && number <= (named[index - 1]?.number ?? 0)) throw new S3Failure("InvalidPartOrder");
    const part = upload.parts.get(number);
    if (part === undefined || part.etag !== etag)
      throw new S3Failure("InvalidPart", undefined, {
        facts: { UploadId: upload.uploadId, PartNumber: String(number), ETag: etag },
      });
    const claimed = checksums[checksumElement(part.checksum.algorithm)];
    if (claimed !== undefined && claimed !== part.checksum.value) throw new S3Failure("InvalidPart");
    if (claimed === undefined && upload.checksum.asked && upload.checksum.type === "COMPOSITE")
      throw new S3Failure(
        "InvalidRequest",
        `The upload was created using a ${upload.checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      );
    return part;
  });
  for (const part of chosen.slice(0, -1))
    if (part.size < SMALLEST_PART)
      throw new S3Failure("EntityTooSmall", undefined, {
        facts: {
          ProposedSize: String(part.size),
          MinSizeAllowed: String(SMALLEST_PART),
          PartNumber: String(part.number),
        },
      });
  return chosen;
}

async function joinParts(
  call: Call,
  bucket: Bucket,
  upload: Upload,
  parts: readonly PartRecord[],
  write: (bytes: Buffer) => Promise<void>,
): Promise<VersionRecord> {
  const { algorithm, type } = upload.checksum;
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const claimedSize = call.headers["x-amz-mp-object-size"];
  if (claimedSize !== undefined && Number(claimedSize) !== size)
    throw new S3Failure(
      "InvalidRequest",
      "The provided 'x-amz-mp-object-size' header does not match what was computed.",
    );
  const whole = startChecksum(algorithm);
  for (const part of parts) {
    const path = join(bucket.uploadFolder(upload.uploadId), partFile(part.number));
    for await (const bytes of await openBody(path, 0, part.size - 1)) {
      if (type === "FULL_OBJECT") whole.update(bytes);
      await write(bytes);
    }
  }
  const value =
    type === "FULL_OBJECT"
      ? await base64Digest(whole)
      : await compositeChecksum(
          algorithm,
          parts.map((part) => part.checksum.value),
        );
  const claimed = call.headers[checksumHeader(algorithm)];
  if (claimed !== undefined && claimed !== value)
    throw new S3Failure(
      "BadDigest",
      `The ${algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
    );
  const md5 = createHash("md5");
  for (const part of parts) md5.update(Buffer.from(part.etag, "hex"));
  return {
    key: upload.key,
    versionId: bucket.nextVersionId(),
    size,
    etag: `${md5.digest("hex")}-${parts.length}`,
    modified: timestamp(Date.now()),
    headers: upload.headers,
    metadata: upload.metadata,
    checksum: { algorithm, type, value },
    lock: upload.lock,
    uploadId: upload.uploadId,
  };
}

/** Throws NoSuchUpload, also for an upload of another key. */
export function findUpload(bucket: Bucket, call: Call): Upload {
  const upload = bucket.uploads.get(call.query.uploadId ?? "");
  if (upload === undefined || upload.key !== call.key)
    throw new S3Failure("NoSuchUpload", undefined, { facts: { UploadId: call.query.uploadId ?? "" } });
  return upload;
}

async function dissolve(call: Call, bucket: Bucket, upload: Upload): Promise<void> {
  // Two aborts at once: the second finds nothing left to do.
  if (!bucket.uploads.delete(upload.uploadId)) return;
  await call.buckets.staging.remove(bucket.uploadFolder(upload.uploadId));
}
