/** The conditions a request may set: on what it reads, and on what it would overwrite. */
import type { Version, WriteCondition } from "./bucket.ts";
import { S3Failure } from "./failure.ts";
import { unquoted } from "./operation.ts";
import type { Headers } from "./payload.ts";

/**
 * Throws PreconditionFailed or NotModified. ETags go before dates: a true If-Match makes a false If-Unmodified-Since
 * of no account, a false If-None-Match a true If-Modified-Since (GetObject, Amazon S3 API Reference; RFC 7232 §6).
 */
export function checkReadConditions(version: Version, headers: Headers, prefix = ""): void {
  const matches = (list: string) =>
    list.split(",").some((etag) => etag.trim() === "*" || unquoted(etag) === version.etag);
  const since = (text: string) => Date.parse(version.modified) > Date.parse(text);
  const ifMatch = headers[`${prefix}if-match`];
  const ifUnmodified = headers[`${prefix}if-unmodified-since`];
  const ifNoneMatch = headers[`${prefix}if-none-match`];
  const ifModified = headers[`${prefix}if-modified-since`];
  if (ifMatch !== undefined ? !matches(ifMatch) : ifUnmodified !== undefined && since(ifUnmodified))
    throw new S3Failure("PreconditionFailed", undefined, {
      facts: { Condition: ifMatch === undefined ? "If-Unmodified-Since" : "If-Match" },
    });
  const unmodified = ifModified !== undefined && !Number.isNaN(Date.parse(ifModified)) && !since(ifModified);
  if (ifNoneMatch === undefined ? unmodified : matches(ifNoneMatch))
    // A copy has no cache to be told of: its refusal is 412.
    throw prefix === "" ? notModified(version) : new S3Failure("PreconditionFailed");
}

function notModified(version: Version): S3Failure {
  return new S3Failure("NotModified", undefined, {
    headers: { etag: `"${version.etag}"`, "last-modified": new Date(version.modified).toUTCString() },
  });
}

/** S3 takes `*` alone with If-None-Match on writes, and one ETag with If-Match; anything else is not implemented there either. */
export function readWriteCondition(headers: Headers): WriteCondition {
  const absent = headers["if-none-match"];
  const match = headers["if-match"];
  if ((absent !== undefined && absent.trim() !== "*") || (absent !== undefined && match !== undefined))
    throw new S3Failure("NotImplemented", undefined, { facts: { Header: "If-None-Match" } });
  return {
    ...(absent !== undefined && { absent: true }),
    ...(match !== undefined && { etag: unquoted(match) }),
  };
}
