/** CopyObject: a version's bytes into a new version, described as the source or anew. */

import { createHash } from "node:crypto";
import type { Version, VersionRecord } from "../bucket.ts";
import {
  base64Digest,
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumElement,
  startChecksum,
} from "../checksums.ts";
import { checkReadConditions, readWriteCondition } from "../conditions.ts";
import { type Description, readDescription, versionHeader } from "../description.ts";
import { S3Failure } from "../failure.ts";
import { lockOfNewVersion } from "../object-lock.ts";
import { bucketOf, type Call, type Operation, quoted, timestamp } from "../operation.ts";
import { openBody } from "../staging.ts";
import { document } from "../xml.ts";
import { findVersion } from "./get-object.ts";

export const copyObject: Operation = async (call) => {
  const bucket = bucketOf(call);
  const source = findSource(call);
  checkReadConditions(source.version, call.headers, "x-amz-copy-source-");
  const description = describeCopy(call, source);
  const algorithm = readAlgorithm(call) ?? source.version.checksum?.algorithm ?? "CRC64NVME";
  const lock = lockOfNewVersion(call.headers, bucket.config, call.now);
  return bucket.conditionally(call.key, readWriteCondition(call.headers), async (check) => {
    check();
    const staged = await call.buckets.staging.file<VersionRecord>(async (write) => {
      const md5 = createHash("md5");
      const checksum = startChecksum(algorithm);
      for await (const bytes of await openBody(source.version.path, 0, source.version.size - 1)) {
        md5.update(bytes);
        checksum.update(bytes);
        await write(bytes);
      }
      return {
        key: call.key,
        versionId: bucket.nextVersionId(),
        size: source.version.size,
        etag: md5.digest("hex"),
        modified: timestamp(Date.now()),
        ...description,
        checksum: { algorithm, type: "FULL_OBJECT", value: await base64Digest(checksum) },
        lock,
      };
    });
    const copy = await bucket.publish(staged, check);
    return {
      headers: {
        "x-amz-version-id": versionHeader(copy),
        "x-amz-copy-source-version-id": versionHeader(source.version),
      },
      body: document("CopyObjectResult", [
        ["LastModified", copy.modified],
        ["ETag", quoted(copy.etag)],
        [checksumElement(algorithm), copy.checksum?.value],
        ["ChecksumType", copy.checksum?.type],
      ]),
    };
  });
};

export interface Source {
  bucket: string;
  version: Version;
  /** True when the copy names the version it copies. */
  versioned: boolean;
}

/** `x-amz-copy-source: [/]bucket/key[?versionId=id]`, percent-encoded. */
export function findSource(call: Call): Source {
  const [address = "", query] = (call.headers["x-amz-copy-source"] ?? "").split("?");
  const [, bucket = "", encoded = ""] = /^\/?([^/]+)\/(.+)$/s.exec(address) ?? [];
  const versionId = query === undefined ? undefined : /^versionId=(.+)$/.exec(query)?.[1];
  if (encoded === "" || (query !== undefined && versionId === undefined))
    throw new S3Failure(
      "InvalidArgument",
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    );
  const key = decodeKey(encoded);
  const wanted = { key, query: versionId === undefined ? {} : { versionId } };
  return {
    bucket,
    version: findVersion(call.buckets.get(bucket), wanted),
    versioned: versionId !== undefined,
  };
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new S3Failure("InvalidArgument", "The copy source is not well encoded.");
  }
}

function describeCopy(call: Call, source: Source): Description {
  const directive = call.headers["x-amz-metadata-directive"] ?? "COPY";
  if (directive === "REPLACE") return readDescription(call.headers);
  if (directive !== "COPY") throw new S3Failure("InvalidArgument", "Unknown metadata directive.");
  if (source.bucket === call.bucket && source.version.key === call.key && !source.versioned)
    throw new S3Failure(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  return { headers: source.version.headers, metadata: source.version.metadata };
}

function readAlgorithm(call: Call): ChecksumAlgorithm | undefined {
  const asked = call.headers["x-amz-checksum-algorithm"];
  const known = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === asked?.toUpperCase());
  if (asked !== undefined && known === undefined)
    throw new S3Failure("InvalidRequest", "Checksum algorithm provided is unsupported.");
  return known;
}
