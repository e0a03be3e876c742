/** What S3 keeps that no listing of objects shows: uploads that were begun and not ended. And the folders that a prefix holds. */
import type { LoadedClient } from "./stored-object.ts";

export interface OpenUpload {
  key: string;
  uploadId: string;
  initiated: Date;
}

export async function listUploads(
  { client, s3 }: LoadedClient,
  bucket: string,
  prefix: string,
): Promise<OpenUpload[]> {
  const uploads: OpenUpload[] = [];
  let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (from !== undefined) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(from);
    for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
      if (Key !== undefined && UploadId !== undefined)
        uploads.push({ key: Key, uploadId: UploadId, initiated: Initiated ?? new Date(0) });
    from = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
      : undefined;
  }
  return uploads;

  function ask(marker: object) {
    return client.send(new s3.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }));
  }
}

/** Done, too, when it was completed or aborted meanwhile. */
export async function abortUpload(
  { client, s3 }: LoadedClient,
  bucket: string,
  { key, uploadId }: OpenUpload,
): Promise<void> {
  try {
    await client.send(new s3.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }));
  } catch (error) {
    if ((error as Error).name !== "NoSuchUpload") throw error;
  }
}

/** What stands directly under the prefix and holds objects, each with its slash. */
export async function listFolders(
  { client, s3 }: LoadedClient,
  bucket: string,
  prefix: string,
): Promise<string[]> {
  const folders: string[] = [];
  const asked = { Bucket: bucket, Prefix: prefix, Delimiter: "/" };
  for await (const page of s3.paginateListObjectsV2({ client }, asked))
    for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix);
  return folders;
}
