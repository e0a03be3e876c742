/** ListObjectsV2 and ListObjectVersions: keys in order, folded at a delimiter, a page at a time. */
import type { Bucket, Version } from "../bucket.ts";
import { S3Failure } from "../failure.ts";
import { compareKeys } from "../key-order.ts";
import { bucketOf, type Call, keyEncoding, limitOf, type Operation, quoted } from "../operation.ts";
import { document, type Element } from "../xml.ts";

const PAGE = 1_000;

export const listObjectsV2: Operation = async (call) => {
  const { query } = call;
  const { encode, type } = keyEncoding(call);
  const limit = limitOf(call, "max-keys", PAGE);
  const token = query["continuation-token"];
  const after = token === undefined ? (query["start-after"] ?? "") : readToken(token);
  const live = (versions: Version[]) => (versions[0]?.deleteMarker ? [] : versions.slice(0, 1));
  const page = fold(bucketOf(call), call, { after, limit, choose: live });
  return {
    body: document("ListBucketResult", [
      ["Name", call.bucket],
      ["Prefix", encode(query.prefix ?? "")],
      ["StartAfter", query["start-after"] === undefined ? undefined : encode(query["start-after"])],
      ["ContinuationToken", token],
      ["NextContinuationToken", page.next === undefined ? undefined : writeToken(page.next.key)],
      ["KeyCount", page.versions.length + page.prefixes.length],
      ["MaxKeys", limit],
      ["Delimiter", query.delimiter === undefined ? undefined : encode(query.delimiter)],
      ["EncodingType", type],
      ["IsTruncated", page.next !== undefined],
      ...page.versions.map(
        (version): Element => ["Contents", contents(version, encode, query["fetch-owner"] === "true")],
      ),
      ...page.prefixes.map((prefix): Element => ["CommonPrefixes", [["Prefix", encode(prefix)]]]),
    ]),
  };
};

export const listObjectVersions: Operation = async (call) => {
  const { query } = call;
  const { encode, type } = keyEncoding(call);
  const bucket = bucketOf(call);
  const limit = limitOf(call, "max-keys", PAGE);
  const after = query["key-marker"] ?? "";
  const afterVersion = query["version-id-marker"];
  if (afterVersion !== undefined && after === "")
    throw new S3Failure("InvalidArgument", "A version-id marker cannot be specified without a key marker.");
  const page = fold(bucket, call, { after, afterVersion, limit, choose: (versions) => versions });
  return {
    body: document("ListVersionsResult", [
      ["Name", call.bucket],
      ["Prefix", encode(query.prefix ?? "")],
      ["KeyMarker", encode(after)],
      ["VersionIdMarker", afterVersion ?? ""],
      ["NextKeyMarker", page.next && encode(page.next.key)],
      ["NextVersionIdMarker", page.next?.versionId],
      ["MaxKeys", limit],
      ["Delimiter", query.delimiter === undefined ? undefined : encode(query.delimiter)],
      ["EncodingType", type],
      ["IsTruncated", page.next !== undefined],
      ...page.versions.map((version): Element => {
        const latest = bucket.versions.get(version.key)?.[0] === version;
        const common: Element[] = [
          ["Key", encode(version.key)],
          ["VersionId", version.versionId],
          ["IsLatest", latest],
        ];
        return version.deleteMarker
          ? ["DeleteMarker", [...common, ["LastModified", version.modified], ["Owner", OWNER]]]
          : ["Version", [...common, ...contents(version, encode, true).slice(1)]];
      }),
      ...page.prefixes.map((prefix): Element => ["CommonPrefixes", [["Prefix", encode(prefix)]]]),
    ]),
  };
};

const OWNER: readonly Element[] = [["ID", "rehearsal"]];

function contents(version: Version, encode: (key: string) => string, owner: boolean): Element[] {
  return [
    ["Key", encode(version.key)],
    ["LastModified", version.modified],
    ["ETag", quoted(version.etag)],
    ["ChecksumAlgorithm", version.checksum?.algorithm],
    ["ChecksumType", version.checksum?.type],
    ["Size", version.size],
    ["StorageClass", "STANDARD"],
    ["Owner", owner ? OWNER : undefined],
  ];
}

interface Page {
  versions: Version[];
  prefixes: string[];
  /** Where the next page begins after; absent when this one is the last. */
  next: { key: string; versionId?: string } | undefined;
}

interface Window {
  after: string;
  afterVersion?: string | undefined;
  limit: number;
  choose: (versions: Version[]) => Version[];
}

/** A key, or a common prefix, counts as one; a prefix a page ended with is not told again. */
function fold(bucket: Bucket, call: Call, { after, afterVersion, limit, choose }: Window): Page {
  const { prefix = "", delimiter = "" } = call.query;
  const page: Page = { versions: [], prefixes: [], next: undefined };
  let last: Page["next"];
  // With max-keys 0 there is nothing to follow either.
  if (limit === 0) return page;
  for (const [key, versions] of bucket.versions.from(compareKeys(prefix, after) > 0 ? prefix : after)) {
    if (!key.startsWith(prefix)) {
      if (compareKeys(key, prefix) > 0) break;
      continue;
    }
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    if (common !== undefined) {
      if (after === common || page.prefixes.at(-1) === common) continue;
      if (choose(versions).length === 0) continue;
      if (page.versions.length + page.prefixes.length === limit) return { ...page, next: last };
      page.prefixes.push(common);
      last = { key: common };
      continue;
    }
    if (key === after && afterVersion === undefined) continue;
    const marked = key === after ? versions.findIndex(({ versionId }) => versionId === afterVersion) : -1;
    for (const version of choose(versions).slice(marked + 1)) {
      if (page.versions.length + page.prefixes.length === limit) return { ...page, next: last };
      page.versions.push(version);
      last = { key, versionId: version.versionId };
    }
  }
  return page;
}

/** Opaque to the client: the last key told. */
function writeToken(key: string): string {
  return Buffer.from(`1${key}`).toString("base64url");
}

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (!text.startsWith("1") || writeToken(text.slice(1)) !== token)
    throw new S3Failure("InvalidArgument", "The continuation token provided is incorrect");
  return text.slice(1);
}
