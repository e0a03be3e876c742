/** Removes objects for good: every version, and the markers that hide them. */
import type { ListObjectVersionsCommandOutput } from "@aws-sdk/client-s3";
import { RehearsalError } from "../core/errors.ts";
import type { LoadedClient } from "./stored-object.ts";

/** Everything under a prefix; returns how much there was. Throws `ObjectForbidden` when Object Lock keeps any of it. */
export async function eraseObjects(
  { client, s3 }: LoadedClient,
  bucket: string,
  prefix: string,
): Promise<{ objects: number; bytes: number }> {
  const erased = { objects: 0, bytes: 0 };
  let from: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (from !== undefined) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new s3.ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
    );
    const { Versions = [], DeleteMarkers = [] } = page;
    const all = [...Versions, ...DeleteMarkers].flatMap(({ Key, VersionId }) =>
      Key === undefined ? [] : [{ Key, ...(VersionId !== undefined && { VersionId }) }],
    );
    if (all.length > 0) await deleteAll(all);
    erased.objects += Versions.length;
    erased.bytes += Versions.reduce((sum, { Size = 0 }) => sum + Size, 0);
    from = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
      : undefined;
  }
  return erased;

  async function deleteAll(all: { Key: string; VersionId?: string }[]): Promise<void> {
    const { Errors: refused = [] } = await client.send(
      new s3.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: all, Quiet: true } }),
    );
    const [first] = refused;
    if (first !== undefined)
      throw new RehearsalError(first.Code === "AccessDenied" ? "ObjectForbidden" : "ObjectStoreUnavailable", {
        bucket,
        key: first.Key ?? prefix,
        reason: `${first.Code}: ${first.Message}`,
      });
  }
}
