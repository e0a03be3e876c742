/** PutObject: receives into a staged file and publishes it when everything the request claimed has proved true. */
import type { VersionRecord } from "../bucket.ts";
import { readWriteCondition } from "../conditions.ts";
import { checksumHeaders, readDescription, versionHeader } from "../description.ts";
import { S3Failure } from "../failure.ts";
import { lockOfNewVersion } from "../object-lock.ts";
import { bucketOf, type Operation, quoted, timestamp } from "../operation.ts";
import { claimsChecksum, receive } from "../payload.ts";

export const putObject: Operation = async (call) => {
  const bucket = bucketOf(call);
  const description = readDescription(call.headers);
  const lock = lockOfNewVersion(call.headers, bucket.config, call.now);
  if ((lock.retention || lock.legalHold) && !claimsChecksum(call.headers))
    throw new S3Failure(
      "InvalidRequest",
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    );
  return bucket.conditionally(call.key, readWriteCondition(call.headers), async (check) => {
    // Nothing is published here yet: it only spares receiving what would be refused.
    check();
    const staged = await call.buckets.staging.file<VersionRecord>(async (write) => {
      const received = await receive(call.headers, call.body, write);
      const { algorithm, value } = received.checksum;
      return {
        key: call.key,
        versionId: bucket.nextVersionId(),
        size: received.size,
        etag: received.md5,
        modified: timestamp(Date.now()),
        ...description,
        checksum: { algorithm, value, type: "FULL_OBJECT" },
        lock,
      };
    });
    const version = await bucket.publish(staged, check);
    return {
      headers: {
        etag: quoted(version.etag),
        "x-amz-version-id": versionHeader(version),
        ...(version.checksum && checksumHeaders(version.checksum)),
      },
    };
  });
};
