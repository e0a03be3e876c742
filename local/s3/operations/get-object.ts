/** GetObject and HeadObject: one version, whole or a range of it, under conditions. */
import type { Readable } from "node:stream";
import type { Bucket, Version } from "../bucket.ts";
import { checkReadConditions } from "../conditions.ts";
import { describe } from "../description.ts";
import { S3Failure } from "../failure.ts";
import { bucketOf, type Call, type Operation, type Reply } from "../operation.ts";
import { openBody } from "../staging.ts";

export const getObject: Operation = async (call) => {
  const bucket = bucketOf(call);
  for (;;) {
    const version = findVersion(bucket, call);
    const reply = answer(call, version);
    const body = await openUnlessRemoved(version, reply.start, reply.end);
    // Overwritten between finding and opening: what is current now is the answer.
    if (body !== undefined) return { ...reply, body };
  }
};

export const headObject: Operation = async (call) => answer(call, findVersion(bucketOf(call), call));

/** Throws NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker asked for by its id. */
export function findVersion(bucket: Bucket, call: Pick<Call, "key" | "query">): Version {
  const { versionId } = call.query;
  const facts = { Key: call.key };
  if (versionId === undefined) {
    const [newest] = bucket.versions.get(call.key) ?? [];
    if (newest === undefined) throw new S3Failure("NoSuchKey", undefined, { facts });
    if (newest.deleteMarker)
      throw new S3Failure("NoSuchKey", undefined, {
        facts,
        headers: { "x-amz-delete-marker": "true", "x-amz-version-id": newest.versionId },
      });
    return newest;
  }
  const version = bucket.version(call.key, versionId);
  if (version === undefined)
    throw new S3Failure("NoSuchVersion", undefined, { facts: { ...facts, VersionId: versionId } });
  if (version.deleteMarker)
    throw new S3Failure("MethodNotAllowed", undefined, {
      facts: { ResourceType: "DeleteMarker" },
      headers: { "x-amz-delete-marker": "true", "x-amz-version-id": versionId, allow: "DELETE" },
    });
  return version;
}

interface Answer extends Reply {
  start: number;
  end: number;
}

function answer(call: Call, version: Version): Answer {
  checkReadConditions(version, call.headers);
  const range = readRange(call.headers.range, version.size);
  const [start, end] = range ?? [0, version.size - 1];
  const withChecksum =
    call.headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" && range === undefined;
  return {
    status: range ? 206 : 200,
    headers: {
      ...describe(version, withChecksum),
      ...overrides(call),
      "content-length": String(end - start + 1),
      "content-range": range ? `bytes ${start}-${end}/${version.size}` : undefined,
    },
    start,
    end,
  };
}

/** One range of bytes; several, or none that can be read, mean the whole object, as with S3. Throws InvalidRange. */
function readRange(header: string | undefined, size: number): [start: number, end: number] | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === "" && Number(last) === 0))
    throw new S3Failure("InvalidRange", undefined, {
      headers: { "content-range": `bytes */${size}` },
      facts: { RangeRequested: header ?? "", ActualObjectSize: String(size) },
    });
  return [start, end];
}

/** `response-content-type` and its like: the reader's wishes, kept by a signature. */
function overrides(call: Call): Record<string, string> {
  return Object.fromEntries(
    Object.entries(call.query)
      .filter(([name]) => name.startsWith("response-"))
      .map(([name, value]) => [name.slice("response-".length), value]),
  );
}

async function openUnlessRemoved(
  version: Version,
  start: number,
  end: number,
): Promise<Readable | undefined> {
  try {
    return await openBody(version.path, start, end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
