/** Writes an object where none is: by a conditional put, and by looking at what is there when the condition fails. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import {
  described,
  type KnownContent,
  type LoadedClient,
  type ObjectStore,
  type Put,
  type PutOptions,
  putResult,
} from "./stored-object.ts";

/** How often a write goes on against concurrent changes of its key. */
const TRIES = 5;

/**
 * 412: something is there; equal content is a success, for then an earlier try of the same write has done it.
 * 409: a deletion, or another conditional write, came between; what is there now decides, so it begins again.
 */
export async function putOnce(
  store: ObjectStore,
  { client, s3 }: LoadedClient,
  key: string,
  body: Uint8Array,
  options?: PutOptions,
): Promise<Put & { outcome: "written" | "present" }> {
  return putWhereNone(
    store,
    { client, s3 },
    key,
    { size: body.length, sha256: sha256(body) },
    options,
    () => body,
  );
}

/** The same of a stream. What is there is looked at first: then nothing has to be read. */
export async function putStreamOnce(
  store: ObjectStore,
  loaded: LoadedClient,
  key: string,
  content: KnownContent,
  options?: PutOptions,
): Promise<Put & { outcome: "written" | "present" }> {
  const { size, sha256, isNew = false } = content;
  const present = isNew && size <= WHOLE ? "gone" : await whereHeld(store, key, content);
  if (present !== "gone") return { ...putResult(key, size, sha256, present), outcome: "present" };
  return putWhereNone(store, loaded, key, content, options, () => bodyOf(content));
}

/** What is said of the same bytes that are there; throws `ObjectConflict` for others. */
export async function whereHeld(
  store: ObjectStore,
  key: string,
  { size, sha256 }: Pick<KnownContent, "size" | "sha256">,
): Promise<"gone" | { ETag: string; VersionId?: string }> {
  const present = await presentAs(store, key, size, sha256);
  if (present === "other") throw new RehearsalError("ObjectConflict", { bucket: store.bucket, key });
  return present;
}

/** Bytes up to which a stream is put as a whole, so that the SDK can try again by itself. */
const WHOLE = 4 * 1024 ** 2;

async function bodyOf({ size, open }: KnownContent): Promise<Uint8Array | Readable> {
  if (size > WHOLE) return Readable.from(open());
  const pieces: Uint8Array[] = [];
  for await (const piece of open()) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function putWhereNone(
  store: ObjectStore,
  { client, s3 }: LoadedClient,
  key: string,
  { size, sha256: hash }: Pick<KnownContent, "size" | "sha256">,
  options: PutOptions | undefined,
  body: () => Uint8Array | Promise<Uint8Array | Readable>,
): Promise<Put & { outcome: "written" | "present" }> {
  const { bucket } = store;
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      const done = await client.send(
        new s3.PutObjectCommand({
          ...described(bucket, key, options),
          Body: await body(),
          ContentLength: size,
          ChecksumSHA256: Buffer.from(hash, "hex").toString("base64"),
          IfNoneMatch: "*",
        }),
      );
      return { ...putResult(key, size, hash, done), outcome: "written" };
    } catch (error) {
      const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 409) continue;
      if (status !== 412) throw error;
    }
    const present = await presentAs(store, key, size, hash);
    if (present === "other") throw new RehearsalError("ObjectConflict", { bucket, key });
    if (present !== "gone") return { ...putResult(key, size, hash, present), outcome: "present" };
  }
  throw new RehearsalError("ObjectContended", { bucket, key, tries: TRIES });
}

/** What is there after a 412: the same bytes, others, or, since a deletion may come at any time, nothing. */
async function presentAs(
  store: ObjectStore,
  key: string,
  size: number,
  hash: string,
): Promise<"other" | "gone" | { ETag: string; VersionId?: string }> {
  try {
    const head = await store.head(key);
    if (head.size !== size) return "other";
    if ((head.sha256 ?? (await hashOf(store.getStream(key)))) !== hash) return "other";
    return { ETag: head.etag, ...(head.versionId !== undefined && { VersionId: head.versionId }) };
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return "gone";
    throw error;
  }
}

async function hashOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of source) hash.update(piece);
  return hash.digest("hex");
}
