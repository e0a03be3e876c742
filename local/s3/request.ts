/** Reads the address of a request: which bucket and key it means, and its query, decoded once. */
import type { IncomingMessage } from "node:http";
import { S3Failure } from "./failure.ts";
import type { Headers } from "./payload.ts";

export interface S3Request {
  method: string;
  /** As it was sent, percent-encoded: what the client signed. */
  path: string;
  bucket: string | undefined;
  key: string | undefined;
  query: Record<string, string>;
  /** Lower-case names; a repeated header is joined by a comma. */
  headers: Headers;
}

/** Path style only: SDKs use it for hosts that are addresses. Throws InvalidURI. */
export function readRequest(message: IncomingMessage): S3Request {
  const [path = "/", ...rest] = (message.url ?? "/").split("?");
  const address = path.slice(1);
  const slash = address.indexOf("/");
  const bucket = decode(slash < 0 ? address : address.slice(0, slash));
  const key = slash < 0 ? "" : decode(address.slice(slash + 1));
  if (Buffer.byteLength(key) > 1_024) throw new S3Failure("KeyTooLongError");
  return {
    method: message.method ?? "GET",
    path,
    bucket: bucket === "" ? undefined : bucket,
    key: key === "" ? undefined : key,
    query: readQuery(rest.join("?")),
    headers: readHeaders(message),
  };
}

function readQuery(text: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll("+", " "));
    if (name in query) throw new S3Failure("InvalidArgument", `The query names ${name} twice.`);
    query[name] = equals < 0 ? "" : decode(pair.slice(equals + 1).replaceAll("+", " "));
  }
  return query;
}

function readHeaders(message: IncomingMessage): Headers {
  const headers: Headers = Object.create(null);
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(",") : value;
  return headers;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not UTF-8 under its escapes: no key S3 could hold.
    throw new S3Failure("InvalidURI");
  }
}
