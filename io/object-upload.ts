/** Uploads a stream in parts: hashed on the way, a few parts in memory, nothing left behind when it fails. */
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { described } from "./stored-object.ts";

/** With S3's 10,000 parts this carries 80 GB in one object; backups cut their frames far below. */
const PART = 8 * 1024 ** 2;
/** Parts on their way at once; times PART it is what an upload keeps in memory. */
const PARALLEL = 3;

/** Names one upload in its object, so that a completion whose answer was lost can be recognised. */
const MARK = "rehearsal-upload";

interface Uploaded {
  size: number;
  sha256: string;
  done: { ETag?: string | undefined; VersionId?: string | undefined };
}

/** Keeps the source's failure apart from the store's: a lost database connection is no lost S3. */
export class SourceFailure {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Reads the source to its end; a failure of the source, of S3 or of the network aborts the upload and is thrown, the source's as `SourceFailure`. */
export async function uploadStream(
  client: S3Client,
  target: ReturnType<typeof described>,
  source: AsyncIterable<Uint8Array>,
): Promise<Uploaded> {
  const { Upload } = await import("@aws-sdk/lib-storage");
  const hash = createHash("sha256");
  const mark = randomUUID();
  let size = 0;
  let sourceFailure: SourceFailure | undefined;
  async function* measured() {
    try {
      for await (const piece of source) {
        hash.update(piece);
        size += piece.length;
        yield piece;
      }
    } catch (error) {
      sourceFailure = new SourceFailure(error);
      throw error;
    }
  }
  const body = Readable.from(measured(), { highWaterMark: 1 });
  const upload = new Upload({
    client,
    params: {
      ...target,
      Body: body,
      Metadata: { [MARK]: mark },
      // Of the whole object: a checksum of the parts' checksums is one that no reader verifies.
      ChecksumAlgorithm: "CRC32",
      ChecksumType: "FULL_OBJECT",
    },
    partSize: PART,
    queueSize: PARALLEL,
  });
  try {
    const done = await upload.done();
    return { size, sha256: hash.digest("hex"), done };
  } catch (error) {
    // The source's own clean-up runs even when S3 was the one that failed.
    body.destroy();
    if (sourceFailure !== undefined) throw sourceFailure;
    const completed = await completedBefore(client, target, mark, error);
    if (completed === undefined) throw error;
    return { size, sha256: hash.digest("hex"), done: completed };
  }
}

/** A completion that is tried again after its answer was lost finds no upload, but its object with our mark. */
async function completedBefore(
  client: S3Client,
  target: { Bucket: string; Key: string },
  mark: string,
  error: unknown,
): Promise<Uploaded["done"] | undefined> {
  if ((error as Error).name !== "NoSuchUpload") return undefined;
  const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    const found = await client.send(new HeadObjectCommand({ Bucket: target.Bucket, Key: target.Key }));
    return found.Metadata?.[MARK] === mark ? found : undefined;
  } catch {
    // Nothing is there: the first failure is the one to tell.
    return undefined;
  }
}
