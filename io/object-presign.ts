/** Presigned URLs: who holds one may do one thing with one object, for a while, without a key. */
import type { LoadedClient, PresignedPut } from "./stored-object.ts";

export async function presignGet(
  { client, s3 }: LoadedClient,
  bucket: string,
  key: string,
  seconds: number,
): Promise<string> {
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  return getSignedUrl(client, new s3.GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: seconds });
}

/** The hash and the length are signed headers: in the query they would bind nobody, so the sender has to send them. */
export async function presignPut(
  { client, s3 }: LoadedClient,
  bucket: string,
  key: string,
  content: { sha256: string; size: number },
  seconds: number,
): Promise<PresignedPut> {
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  const checksum = Buffer.from(content.sha256, "hex").toString("base64");
  const command = new s3.PutObjectCommand({
    Bucket: bucket,
    Key: key,
    ContentLength: content.size,
    ChecksumSHA256: checksum,
  });
  const url = await getSignedUrl(client, command, {
    expiresIn: seconds,
    unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
    signableHeaders: new Set(["host", "content-length", "x-amz-checksum-sha256"]),
  });
  return { url, headers: { "x-amz-checksum-sha256": checksum } };
}
