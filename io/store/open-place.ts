/** A place by how people write it: a folder's path, or `s3://bucket/prefix`. */
import { resolve } from "node:path";
import { openBucketPlace } from "./bucket-place.ts";
import { openFolderPlace } from "./folder-place.ts";
import type { Place } from "./place.ts";

export async function openPlace(at: string): Promise<Place> {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(at) ?? [];
  return bucket === undefined ? openFolderPlace(resolve(at)) : openBucketPlace({ bucket, prefix });
}
