/** Receives a request's body: unwraps it, measures it, and refuses it when it is not what the request said it would be. */
import { createHash } from "node:crypto";
import { unwrapAwsChunked } from "./aws-chunked.ts";
import {
  base64Digest,
  CHECKSUM_ALGORITHMS,
  CHECKSUM_BYTES,
  type ChecksumAlgorithm,
  checksumHeader,
  startChecksum,
} from "./checksums.ts";
import { S3Failure } from "./failure.ts";

export type Headers = Record<string, string>;

export interface Received {
  size: number;
  /** Lower-case hex. */
  md5: string;
  /** Verified where the client gave one; computed by the endpoint otherwise. */
  checksum: { algorithm: ChecksumAlgorithm; value: string; given: boolean };
}

const LARGEST_PUT = 5 * 1024 ** 3;

/**
 * Reads the whole body into `sink`, one piece at a time, and returns its measure.
 * Throws BadDigest, XAmzContentSHA256Mismatch, IncompleteBody, … after which nothing of it may be published.
 */
export async function receive(
  headers: Headers,
  source: AsyncIterable<Buffer>,
  sink: (bytes: Buffer) => Promise<void>,
  /** Computed when the client names none: S3 adds CRC64NVME by itself. */
  fallback: ChecksumAlgorithm = "CRC64NVME",
): Promise<Received> {
  const claim = readClaim(headers);
  if (claim.size > LARGEST_PUT) throw new S3Failure("EntityTooLarge");
  const wrapped = claim.chunked ? unwrapAwsChunked(source) : undefined;
  const algorithm = claim.algorithm ?? fallback;
  const checksum = startChecksum(algorithm);
  const md5 = createHash("md5");
  const sha256 = claim.sha256 === undefined ? undefined : createHash("sha256");
  let size = 0;
  for await (const bytes of wrapped?.body ?? source) {
    size += bytes.length;
    if (size > claim.size) throw new S3Failure("IncompleteBody");
    md5.update(bytes);
    sha256?.update(bytes);
    checksum.update(bytes);
    await sink(bytes);
  }
  if (size !== claim.size) throw new S3Failure("IncompleteBody");
  const digest = md5.digest();
  if (claim.md5 !== undefined && claim.md5 !== digest.toString("base64"))
    throw new S3Failure("BadDigest", "The Content-MD5 you specified did not match what we received.");
  if (sha256 !== undefined && sha256.digest("hex") !== claim.sha256)
    throw new S3Failure("XAmzContentSHA256Mismatch");
  const value = await base64Digest(checksum);
  const claimed = claim.trailer ? wrapped?.trailers.get(claim.trailer) : claim.checksum;
  if (claim.trailer && claimed === undefined)
    throw new S3Failure("InvalidRequest", `The trailer ${claim.trailer} was promised and did not come.`);
  if (claimed !== undefined && claimed !== value)
    throw new S3Failure("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
  return { size, md5: digest.toString("hex"), checksum: { algorithm, value, given: claimed !== undefined } };
}

/** A small body, whole, as text; verified as every body is. */
export async function receiveText(
  headers: Headers,
  source: AsyncIterable<Buffer>,
  limit = 2 * 1024 ** 2,
): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  await receive(
    // A body without a length is an absent one: CreateBucket sends none.
    "transfer-encoding" in headers ? headers : { "content-length": "0", ...headers },
    source,
    async (bytes) => {
      size += bytes.length;
      if (size > limit) throw new S3Failure("MalformedXML", "The request's body is too long.");
      pieces.push(bytes);
    },
  );
  return Buffer.concat(pieces).toString("utf8");
}

/** True when the client gave any checksum of its body; some operations demand one. */
export function claimsChecksum(headers: Headers): boolean {
  return "content-md5" in headers || readClaim({ "content-length": "0", ...headers }).algorithm !== undefined;
}

interface Claim {
  /** Bytes of the object, without any wrapping. */
  size: number;
  chunked: boolean;
  md5?: string;
  /** Lower-case hex of the body as sent. */
  sha256?: string;
  algorithm?: ChecksumAlgorithm;
  checksum?: string;
  /** The header's name that comes behind the body. */
  trailer?: string;
}

function readClaim(headers: Headers): Claim {
  const content = headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD";
  const chunked = content.startsWith("STREAMING-");
  if (chunked && content !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    throw new S3Failure("NotImplemented", `${content} is not implemented.`);
  if (!chunked && /(^|,)\s*aws-chunked\s*($|,)/.test(headers["content-encoding"] ?? ""))
    throw new S3Failure("InvalidRequest", "aws-chunked needs a STREAMING x-amz-content-sha256.");
  const claim: Claim = { chunked, size: sizeOf(headers, chunked) };
  if (!chunked && content !== "UNSIGNED-PAYLOAD") {
    if (!/^[0-9a-f]{64}$/.test(content))
      throw new S3Failure("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a sha256.");
    claim.sha256 = content;
  }
  const md5 = headers["content-md5"];
  if (md5 !== undefined) claim.md5 = wellFormed("Content-MD5", md5, 16);
  return { ...claim, ...claimedChecksum(headers, chunked) };
}

function sizeOf(headers: Headers, chunked: boolean): number {
  const size = chunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (size === undefined) throw new S3Failure("MissingContentLength");
  if (!/^\d{1,15}$/.test(size))
    throw new S3Failure("InvalidArgument", "The content's length is not a number.");
  return Number(size);
}

function claimedChecksum(headers: Headers, chunked: boolean): Partial<Claim> {
  const trailer = headers["x-amz-trailer"]?.toLowerCase();
  const named = CHECKSUM_ALGORITHMS.filter((algorithm) => checksumHeader(algorithm) in headers);
  const trailing = CHECKSUM_ALGORITHMS.find((algorithm) => checksumHeader(algorithm) === trailer);
  if (trailer !== undefined && (!chunked || trailing === undefined))
    throw new S3Failure("InvalidRequest", "The value specified in the x-amz-trailer header is not supported");
  if (named.length + (trailing ? 1 : 0) > 1)
    throw new S3Failure("InvalidRequest", "Expecting a single x-amz-checksum- header.");
  const [algorithm] = named;
  if (algorithm === undefined && trailing === undefined) {
    if ("x-amz-sdk-checksum-algorithm" in headers)
      throw new S3Failure(
        "InvalidRequest",
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
      );
    return {};
  }
  if (trailing !== undefined) return { algorithm: trailing, trailer: checksumHeader(trailing) };
  if (algorithm === undefined) return {};
  const header = checksumHeader(algorithm);
  return { algorithm, checksum: wellFormed(header, headers[header] ?? "", CHECKSUM_BYTES[algorithm]) };
}

function wellFormed(name: string, value: string, bytes: number): string {
  if (Buffer.from(value, "base64").length !== bytes || !/^[A-Za-z0-9+/]+={0,2}$/.test(value))
    throw new S3Failure(
      name === "Content-MD5" ? "InvalidDigest" : "InvalidRequest",
      `Value for ${name} header is invalid.`,
    );
  return value;
}
