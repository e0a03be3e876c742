/** A multipart upload on the disk: a folder with its description and one file for each part. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Checksum, ChecksumAlgorithm } from "./checksums.ts";
import type { ObjectLock } from "./object-lock.ts";
import { readFooter } from "./staging.ts";

export interface UploadRecord {
  uploadId: string;
  key: string;
  /** ISO 8601. */
  initiated: string;
  headers: Record<string, string>;
  metadata: Record<string, string>;
  lock: ObjectLock;
  /** What the finished object's checksum will be; CRC64NVME of the whole when the client asked for none. */
  checksum: { algorithm: ChecksumAlgorithm; type: Checksum["type"]; asked: boolean };
}

export interface PartRecord {
  number: number;
  size: number;
  /** The md5 in hex. */
  etag: string;
  modified: string;
  checksum: { algorithm: ChecksumAlgorithm; value: string };
}

export interface Upload extends UploadRecord {
  parts: Map<number, PartRecord>;
}

/** The description's file in an upload's folder. */
export const UPLOAD_FILE = "upload";

export function partFile(number: number): string {
  return `${number}.part`;
}

/** Every upload under the folder, from the files alone. */
export async function readUploads(folder: string): Promise<Map<string, Upload>> {
  const uploads = new Map<string, Upload>();
  for (const uploadId of await readdir(folder)) {
    const { footer } = await readFooter<UploadRecord>(join(folder, uploadId, UPLOAD_FILE));
    const parts = new Map<number, PartRecord>();
    for (const name of await readdir(join(folder, uploadId))) {
      if (name === UPLOAD_FILE) continue;
      const part = await readFooter<PartRecord>(join(folder, uploadId, name));
      parts.set(part.footer.number, part.footer);
    }
    uploads.set(uploadId, { ...footer, parts });
  }
  return uploads;
}
