/** Which operation a request means; what is not in this table is answered `501 NotImplemented`, never half-done. */
import { S3Failure } from "./failure.ts";
import type { Operation } from "./operation.ts";
import {
  getBucketVersioning,
  getObjectLockConfiguration,
  putBucketVersioning,
  putObjectLockConfiguration,
} from "./operations/bucket-settings.ts";
import { createBucket, deleteBucket, headBucket, listBuckets } from "./operations/buckets.ts";
import { copyObject } from "./operations/copy-object.ts";
import { deleteObject, deleteObjects } from "./operations/delete-object.ts";
import { getObject, headObject } from "./operations/get-object.ts";
import { listObjectsV2, listObjectVersions } from "./operations/list-objects.ts";
import { listMultipartUploads, listParts } from "./operations/list-uploads.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
} from "./operations/multipart.ts";
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from "./operations/object-locks.ts";
import { putObject } from "./operations/put-object.ts";
import { uploadPartCopy } from "./operations/upload-part-copy.ts";
import type { S3Request } from "./request.ts";

interface Route {
  operation: Operation;
  method: string;
  target: "service" | "bucket" | "object";
  /** Query names that must be there; they tell this operation from its siblings. */
  by?: readonly string[];
  /** Query names that may be there. */
  query?: readonly string[];
  /** A header that must be there, when one tells it from a sibling. */
  header?: string;
}

const PAGING = ["prefix", "delimiter", "encoding-type"];
const OVERRIDES = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
].map((name) => `response-${name}`);

/** The more particular first. */
const ROUTES: readonly Route[] = [
  { operation: listBuckets, method: "GET", target: "service" },

  { operation: getBucketVersioning, method: "GET", target: "bucket", by: ["versioning"] },
  { operation: putBucketVersioning, method: "PUT", target: "bucket", by: ["versioning"] },
  { operation: getObjectLockConfiguration, method: "GET", target: "bucket", by: ["object-lock"] },
  { operation: putObjectLockConfiguration, method: "PUT", target: "bucket", by: ["object-lock"] },
  {
    operation: listMultipartUploads,
    method: "GET",
    target: "bucket",
    by: ["uploads"],
    query: [...PAGING, "max-uploads", "key-marker", "upload-id-marker"],
  },
  {
    operation: listObjectVersions,
    method: "GET",
    target: "bucket",
    by: ["versions"],
    query: [...PAGING, "max-keys", "key-marker", "version-id-marker"],
  },
  {
    operation: listObjectsV2,
    method: "GET",
    target: "bucket",
    by: ["list-type"],
    query: [...PAGING, "max-keys", "continuation-token", "start-after", "fetch-owner"],
  },
  { operation: deleteObjects, method: "POST", target: "bucket", by: ["delete"] },
  { operation: createBucket, method: "PUT", target: "bucket" },
  { operation: headBucket, method: "HEAD", target: "bucket" },
  { operation: deleteBucket, method: "DELETE", target: "bucket" },

  {
    operation: uploadPartCopy,
    method: "PUT",
    target: "object",
    by: ["uploadId", "partNumber"],
    header: "x-amz-copy-source",
  },
  { operation: uploadPart, method: "PUT", target: "object", by: ["uploadId", "partNumber"] },
  { operation: createMultipartUpload, method: "POST", target: "object", by: ["uploads"] },
  { operation: completeMultipartUpload, method: "POST", target: "object", by: ["uploadId"] },
  { operation: abortMultipartUpload, method: "DELETE", target: "object", by: ["uploadId"] },
  {
    operation: listParts,
    method: "GET",
    target: "object",
    by: ["uploadId"],
    query: ["max-parts", "part-number-marker"],
  },
  { operation: putObjectRetention, method: "PUT", target: "object", by: ["retention"], query: ["versionId"] },
  { operation: getObjectRetention, method: "GET", target: "object", by: ["retention"], query: ["versionId"] },
  {
    operation: putObjectLegalHold,
    method: "PUT",
    target: "object",
    by: ["legal-hold"],
    query: ["versionId"],
  },
  {
    operation: getObjectLegalHold,
    method: "GET",
    target: "object",
    by: ["legal-hold"],
    query: ["versionId"],
  },
  { operation: copyObject, method: "PUT", target: "object", header: "x-amz-copy-source" },
  { operation: putObject, method: "PUT", target: "object" },
  { operation: getObject, method: "GET", target: "object", query: ["versionId", ...OVERRIDES] },
  { operation: headObject, method: "HEAD", target: "object", query: ["versionId", ...OVERRIDES] },
  { operation: deleteObject, method: "DELETE", target: "object", query: ["versionId"] },
];

/** Every `x-amz-` header the operations understand; another one would be ignored, and so is refused. */
const HEADERS =
  /^x-amz-(date|content-sha256|user-agent|decoded-content-length|trailer|checksum-(crc32c?|crc64nvme|sha1|sha256|mode|algorithm|type)|sdk-checksum-algorithm|meta-.*|metadata-directive|copy-source(-if-.*|-range)?|mp-object-size|bucket-object-lock-enabled|bypass-governance-retention|object-lock-(mode|retain-until-date|legal-hold))$/;

/** Throws NotImplemented. */
export function findOperation(request: S3Request, headers: Record<string, string>): Operation {
  const unknown = Object.keys(headers).find((name) => name.startsWith("x-amz-") && !HEADERS.test(name));
  if (unknown !== undefined) throw new S3Failure("NotImplemented", undefined, { facts: { Header: unknown } });
  const target = request.bucket === undefined ? "service" : request.key === undefined ? "bucket" : "object";
  // `x-id` names the operation for people who read logs; what belongs to a presigned URL is the signature's.
  const named = Object.keys(request.query).filter((name) => name !== "x-id" && !/^x-amz-/i.test(name));
  const route = ROUTES.find(
    ({ method, target: on, by = [], query = [], header }) =>
      method === request.method &&
      on === target &&
      by.every((name) => named.includes(name)) &&
      named.every((name) => by.includes(name) || query.includes(name)) &&
      (header === undefined) === !("x-amz-copy-source" in headers),
  );
  if (route === undefined)
    throw new S3Failure("NotImplemented", undefined, {
      facts: { Method: request.method, Query: named.join(",") },
    });
  return route.operation;
}
