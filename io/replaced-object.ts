/** Writes an object over the one that is there, knowing which that is: nobody's newer bytes are covered by older ones unseen. */
import { createHash } from "node:crypto";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { described, type LoadedClient } from "./stored-object.ts";

/** How often it looks again when somebody else has written meanwhile. */
const TRIES = 5;

export interface Replaced {
  done: "written" | "equal";
  /** Of what is there now; `null` in a bucket that keeps none. */
  versionId: string;
}

/** Throws `ObjectContended`, and else what S3 does. */
export async function replaceObject(
  { client, s3 }: LoadedClient,
  target: { Bucket: string; Key: string },
  body: Uint8Array,
  contentType: string,
): Promise<Replaced> {
  const hash = sha256(body);
  for (let tries = 1; tries <= TRIES; tries++) {
    const found = await client
      .send(new s3.HeadObjectCommand({ ...target, ChecksumMode: "ENABLED" }))
      .catch((error: unknown) => {
        if (/^(NotFound|NoSuchKey)$/.test((error as Error).name)) return undefined;
        throw error;
      });
    if (found?.ContentLength === body.length && (await hashOf(found.ETag)) === hash)
      return { done: "equal", versionId: found.VersionId ?? "null" };
    try {
      const put = await client.send(
        new s3.PutObjectCommand({
          ...described(target.Bucket, target.Key, { contentType }),
          Body: body,
          ChecksumSHA256: Buffer.from(hash, "hex").toString("base64"),
          ...(found?.ETag === undefined ? { IfNoneMatch: "*" } : { IfMatch: found.ETag }),
        }),
      );
      return { done: "written", versionId: put.VersionId ?? "null" };
    } catch (error) {
      const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      // 404: what was there was deleted meanwhile.
      if (status !== 404 && status !== 409 && status !== 412) throw error;
    }
  }
  throw new RehearsalError("ObjectContended", { bucket: target.Bucket, key: target.Key, tries: TRIES });

  /** Read, for an application need not have sent a checksum along. */
  async function hashOf(IfMatch: string | undefined): Promise<string | undefined> {
    try {
      const { Body } = await client.send(new s3.GetObjectCommand({ ...target, IfMatch }));
      const hashing = createHash("sha256");
      for await (const piece of Body as AsyncIterable<Uint8Array>) hashing.update(piece);
      return hashing.digest("hex");
    } catch (error) {
      const status = error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 404 || status === 412) return undefined;
      throw error;
    }
  }
}
