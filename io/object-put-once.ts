/** Writes an object where none is: by a conditional put, and by looking at what is there when the condition fails. */
import { createHash } from "node:crypto";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import {
  described,
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
  const { bucket } = store;
  const hash = sha256(body);
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      const done = await client.send(
        new s3.PutObjectCommand({
          ...described(bucket, key, options),
          Body: body,
          ChecksumSHA256: Buffer.from(hash, "hex").toString("base64"),
          IfNoneMatch: "*",
        }),
      );
      return { ...putResult(key, body.length, hash, done), outcome: "written" };
    } catch (error) {
      const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 409) continue;
      if (status !== 412) throw error;
    }
    const present = await presentAs(store, key, body.length, hash);
    if (present === "other") throw new RehearsalError("ObjectConflict", { bucket, key });
    if (present !== "gone") return { ...putResult(key, body.length, hash, present), outcome: "present" };
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
