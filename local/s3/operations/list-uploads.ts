/** ListMultipartUploads and ListParts: what is begun and not finished. */
import { checksumElement } from "../checksums.ts";
import { S3Failure } from "../failure.ts";
import { compareKeys } from "../key-order.ts";
import { bucketOf, keyEncoding, limitOf, type Operation, quoted } from "../operation.ts";
import { document, type Element } from "../xml.ts";
import { findUpload } from "./multipart.ts";

export const listMultipartUploads: Operation = async (call) => {
  const { query } = call;
  if (query.delimiter) throw new S3Failure("NotImplemented", "A delimiter of uploads is not implemented.");
  const { encode, type } = keyEncoding(call);
  const limit = limitOf(call, "max-uploads", 1_000);
  const keyMarker = query["key-marker"] ?? "";
  const idMarker = query["upload-id-marker"] ?? "";
  const uploads = [...bucketOf(call).uploads.values()]
    .filter(({ key }) => key.startsWith(query.prefix ?? ""))
    .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId))
    .filter(({ key, uploadId }) => {
      const order = compareKeys(key, keyMarker);
      return order > 0 || (order === 0 && idMarker !== "" && compareKeys(uploadId, idMarker) > 0);
    });
  const page = uploads.slice(0, limit);
  const truncated = page.length > 0 && uploads.length > page.length;
  const last = page.at(-1);
  return {
    body: document("ListMultipartUploadsResult", [
      ["Bucket", call.bucket],
      ["KeyMarker", encode(keyMarker)],
      ["UploadIdMarker", idMarker],
      ["NextKeyMarker", truncated && last ? encode(last.key) : undefined],
      ["NextUploadIdMarker", truncated ? last?.uploadId : undefined],
      ["Prefix", encode(query.prefix ?? "")],
      ["EncodingType", type],
      ["MaxUploads", limit],
      ["IsTruncated", truncated],
      ...page.map(
        (upload): Element => [
          "Upload",
          [
            ["Key", encode(upload.key)],
            ["UploadId", upload.uploadId],
            ["StorageClass", "STANDARD"],
            ["Initiated", upload.initiated],
            ["ChecksumAlgorithm", upload.checksum.asked ? upload.checksum.algorithm : undefined],
            ["ChecksumType", upload.checksum.asked ? upload.checksum.type : undefined],
          ],
        ],
      ),
    ]),
  };
};

export const listParts: Operation = async (call) => {
  const upload = findUpload(bucketOf(call), call);
  const limit = limitOf(call, "max-parts", 1_000);
  const marker = Number(call.query["part-number-marker"] ?? 0);
  const parts = [...upload.parts.values()]
    .sort((a, b) => a.number - b.number)
    .filter(({ number }) => number > marker);
  const page = parts.slice(0, limit);
  const truncated = page.length > 0 && parts.length > page.length;
  return {
    body: document("ListPartsResult", [
      ["Bucket", call.bucket],
      ["Key", call.key],
      ["UploadId", upload.uploadId],
      ["StorageClass", "STANDARD"],
      ["PartNumberMarker", marker],
      ["NextPartNumberMarker", page.at(-1)?.number ?? 0],
      ["MaxParts", limit],
      ["IsTruncated", truncated],
      ["ChecksumAlgorithm", upload.checksum.asked ? upload.checksum.algorithm : undefined],
      ["ChecksumType", upload.checksum.asked ? upload.checksum.type : undefined],
      ...page.map(
        (part): Element => [
          "Part",
          [
            ["PartNumber", part.number],
            ["LastModified", part.modified],
            ["ETag", quoted(part.etag)],
            ["Size", part.size],
            [
              checksumElement(part.checksum.algorithm),
              upload.checksum.asked ? part.checksum.value : undefined,
            ],
          ],
        ],
      ),
    ]),
  };
};
