/** UploadPartCopy: a part of an upload from the bytes of a version, or from a range of them. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { base64Digest, checksumElement, startChecksum } from "../checksums.ts";
import { checkReadConditions } from "../conditions.ts";
import { versionHeader } from "../description.ts";
import { S3Failure } from "../failure.ts";
import { bucketOf, type Call, type Operation, quoted, timestamp } from "../operation.ts";
import { openBody } from "../staging.ts";
import { type PartRecord, partFile } from "../upload.ts";
import { document } from "../xml.ts";
import { findSource } from "./copy-object.ts";
import { findUpload, partNumber } from "./multipart.ts";

export const uploadPartCopy: Operation = async (call) => {
  const bucket = bucketOf(call);
  const upload = findUpload(bucket, call);
  const number = partNumber(call);
  const { version } = findSource(call);
  checkReadConditions(version, call.headers, "x-amz-copy-source-");
  const [start, end] = readRange(call, version.size);
  const { algorithm, asked } = upload.checksum;
  const staged = await call.buckets.staging.file<PartRecord>(async (write) => {
    const md5 = createHash("md5");
    const checksum = startChecksum(algorithm);
    for await (const bytes of await openBody(version.path, start, end)) {
      md5.update(bytes);
      checksum.update(bytes);
      await write(bytes);
    }
    return {
      number,
      size: end - start + 1,
      etag: md5.digest("hex"),
      modified: timestamp(Date.now()),
      checksum: { algorithm, value: await base64Digest(checksum) },
    };
  });
  return bucket.inTurn(upload.key, async () => {
    if (bucket.uploads.get(upload.uploadId) !== upload) {
      await staged.discard();
      throw new S3Failure("NoSuchUpload");
    }
    await staged.publish(join(bucket.uploadFolder(upload.uploadId), partFile(number)));
    upload.parts.set(number, staged.footer);
    const { etag, modified, checksum } = staged.footer;
    return {
      headers: { "x-amz-copy-source-version-id": versionHeader(version) },
      body: document("CopyPartResult", [
        ["LastModified", modified],
        ["ETag", quoted(etag)],
        [checksumElement(algorithm), asked ? checksum.value : undefined],
      ]),
    };
  });
};

/** `x-amz-copy-source-range: bytes=first-last`, both inside the source; all of it where there is none. */
function readRange(call: Call, size: number): [start: number, end: number] {
  const text = call.headers["x-amz-copy-source-range"];
  if (text === undefined) return [0, size - 1];
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || last === undefined || start > end)
    throw new S3Failure(
      "InvalidArgument",
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  if (end >= size)
    throw new S3Failure("InvalidArgument", `Range specified is not valid for source object of size: ${size}`);
  return [start, end];
}
