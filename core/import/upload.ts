/** An upload for an import: known by what is in it, so that one which broke off goes on where it was, and no two are one. */
import { createHash } from "node:crypto";

export interface UploadFile {
  /** From the upload's top, parts with a slash between them. */
  path: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

/** Files that are asked for at once. */
export const UPLOAD_BATCH = 100;

/** S3 takes no more of one object at once. */
export const UPLOAD_FILE_BYTES = 5 * 1024 ** 3;

/** 32 hex digits that follow from the paths, sizes and hashes of all files, in the order of the paths' bytes. */
export function uploadId(files: readonly UploadFile[]): string {
  const hash = createHash("sha256");
  const sorted = [...files].sort((one, other) =>
    Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)),
  );
  for (const { path, size, sha256 } of sorted) hash.update(`${sha256} ${size} ${JSON.stringify(path)}\n`);
  return hash.digest("hex").slice(0, 32);
}
