/** An object's description as headers: taken from a request, and given back with a reply. */
import type { Version } from "./bucket.ts";
import { type Checksum, checksumHeader } from "./checksums.ts";
import { S3Failure } from "./failure.ts";
import { quoted } from "./operation.ts";
import type { Headers } from "./payload.ts";

const KEPT = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
] as const;

const META = "x-amz-meta-";

export interface Description {
  headers: Record<string, string>;
  metadata: Record<string, string>;
}

/** Throws MetadataTooLarge above 2 KB of names and values. */
export function readDescription(headers: Headers): Description {
  const kept: Record<string, string> = { "content-type": "binary/octet-stream" };
  for (const name of KEPT) {
    const value = name === "content-encoding" ? objectEncoding(headers[name]) : headers[name];
    if (value !== undefined && value !== "") kept[name] = value;
  }
  const metadata = Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(META))
      .map(([name, value]) => [name.slice(META.length), value]),
  );
  if (Buffer.byteLength(Object.entries(metadata).flat().join("")) > 2_048)
    throw new S3Failure("MetadataTooLarge");
  return { headers: kept, metadata };
}

/** `aws-chunked` describes the transport and is not kept. */
function objectEncoding(value: string | undefined): string | undefined {
  return value
    ?.split(",")
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== "aws-chunked")
    .join(", ");
}

/** The headers of GetObject and HeadObject. */
export function describe(version: Version, withChecksum: boolean): Record<string, string | undefined> {
  const { retention, legalHold } = version.lock;
  return {
    ...version.headers,
    ...Object.fromEntries(Object.entries(version.metadata).map(([name, value]) => [META + name, value])),
    etag: quoted(version.etag),
    "last-modified": new Date(version.modified).toUTCString(),
    "accept-ranges": "bytes",
    "x-amz-version-id": versionHeader(version),
    ...(withChecksum && version.checksum && checksumHeaders(version.checksum)),
    "x-amz-object-lock-mode": retention?.mode,
    "x-amz-object-lock-retain-until-date": retention?.until,
    "x-amz-object-lock-legal-hold": legalHold === undefined ? undefined : legalHold ? "ON" : "OFF",
  };
}

export function checksumHeaders(checksum: Checksum): Record<string, string> {
  return { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };
}

/** The id, unless the bucket never knew versions. */
export function versionHeader(version: { versionId: string }): string | undefined {
  return version.versionId === "null" ? undefined : version.versionId;
}
