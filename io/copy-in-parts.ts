/** Copies a version of an object that is too large for one copy: in parts, as an upload that is aborted when it fails. */
import type {
  CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommandInput,
} from "@aws-sdk/client-s3";
import type { LoadedClient } from "./stored-object.ts";

/** Parts that S3 allows, and that are copied at once. */
const MOST = 10_000;
const PARALLEL = 4;

interface PartsCopy {
  target: { Bucket: string; Key: string };
  /** The source with its version, as CopyObject takes it. */
  CopySource: string;
  /** Bytes of the source. */
  size: number;
  /** Bytes of a part; more where S3 would not allow so many. */
  part: number;
  /** What a copy in parts does not take along by itself. */
  description: Partial<CreateMultipartUploadCommandInput>;
  /** What the key must hold when all is there. */
  condition: Pick<CompleteMultipartUploadCommandInput, "IfMatch" | "IfNoneMatch">;
}

/** Resolves with the new version; throws what S3 said, with no parts left behind. */
export async function copyInParts(
  { client, s3 }: LoadedClient,
  { target, CopySource, size, part, description, condition }: PartsCopy,
): Promise<{ VersionId?: string | undefined }> {
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ ...description, ...target }));
  const length = Math.max(part, Math.ceil(size / MOST));
  const count = Math.ceil(size / length);
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  let next = 1;
  const copySome = async () => {
    for (let number = next++; number <= count; number = next++) {
      const [first, last] = [(number - 1) * length, Math.min(number * length, size) - 1];
      const { CopyPartResult } = await client.send(
        new s3.UploadPartCopyCommand({
          ...target,
          UploadId,
          PartNumber: number,
          CopySource,
          CopySourceRange: `bytes=${first}-${last}`,
        }),
      );
      parts[number - 1] = { PartNumber: number, ETag: CopyPartResult?.ETag };
    }
  };
  try {
    const copying = await Promise.allSettled(Array.from({ length: PARALLEL }, copySome));
    for (const one of copying) if (one.status === "rejected") throw one.reason;
    return await client.send(
      new s3.CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: { Parts: parts },
        ...condition,
      }),
    );
  } catch (error) {
    // The copy's own failure is the one to tell, whether its parts could be removed or not.
    await client.send(new s3.AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}
