/** What every operation is given and gives back; the server knows no more of them than this. */
import type { Readable } from "node:stream";
import type { Bucket } from "./bucket.ts";
import type { Buckets } from "./buckets.ts";
import { S3Failure } from "./failure.ts";
import type { Headers } from "./payload.ts";

export interface Call {
  buckets: Buckets;
  /** Empty for operations on the service. */
  bucket: string;
  /** Empty for operations on a bucket. */
  key: string;
  query: Record<string, string>;
  headers: Headers;
  body: AsyncIterable<Buffer>;
  region: string;
  /** Milliseconds since 1970. */
  now: number;
}

export interface Reply {
  status?: number;
  /** Those that are undefined are left out. */
  headers?: Record<string, string | undefined>;
  /** XML, or an object's bytes. */
  body?: string | Readable;
}

export type Operation = (call: Call) => Promise<Reply>;

/** The call's bucket; throws NoSuchBucket. */
export function bucketOf(call: Call): Bucket {
  return call.buckets.get(call.bucket);
}

/** A number of the query between 0 and `most`, which is also its default and its ceiling. */
export function limitOf(call: Call, name: string, most: number): number {
  const text = call.query[name];
  if (text === undefined || text === "") return most;
  if (!/^\d{1,10}$/.test(text))
    throw new S3Failure("InvalidArgument", `Provided ${name} not an integer or within integer range`);
  return Math.min(Number(text), most);
}

/** How a listing writes keys: as they are, or as `encoding-type=url` asks. Throws InvalidArgument for another type. */
export function keyEncoding(call: Call): { encode: (key: string) => string; type: string | undefined } {
  const type = call.query["encoding-type"];
  if (type === undefined) return { encode: (key) => key, type };
  if (type !== "url") throw new S3Failure("InvalidArgument", "Invalid Encoding Method specified in Request");
  const encode = (key: string) =>
    encodeURIComponent(key)
      .replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll("%2F", "/")
      .replaceAll("%20", "+");
  return { encode, type };
}

/** Now, in the whole seconds that S3 keeps. */
export function timestamp(now: number): string {
  return new Date(Math.floor(now / 1_000) * 1_000).toISOString();
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

export function unquoted(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, "$1");
}
