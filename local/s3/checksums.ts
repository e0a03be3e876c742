/** The checksums S3 verifies and keeps: five algorithms, written in base64, of a whole object or of its parts' checksums. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Crc32c, Crc64Nvme } from "@aws-sdk/checksums/crc";

export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

export interface Checksum {
  algorithm: ChecksumAlgorithm;
  /** COMPOSITE: of the parts' checksums, with `-N` behind it. */
  type: "FULL_OBJECT" | "COMPOSITE";
  value: string;
}

export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}

/** Bytes of each algorithm's value: a claim of another length is malformed, not wrong. */
export const CHECKSUM_BYTES: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** The header, and also the trailer, that carries an algorithm's value. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The element that carries an algorithm's value in XML. */
export function checksumElement(algorithm: ChecksumAlgorithm): `Checksum${ChecksumAlgorithm}` {
  return `Checksum${algorithm}`;
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  if (algorithm === "CRC32C") return new Crc32c();
  if (algorithm === "CRC64NVME") return new Crc64Nvme();
  if (algorithm === "CRC32") {
    let value = 0;
    return {
      update: (bytes) => {
        value = crc32(bytes, value);
      },
      digest: async () => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
      },
    };
  }
  const hash = createHash(algorithm.toLowerCase());
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: async () => hash.digest(),
  };
}

export async function base64Digest(checksum: RunningChecksum): Promise<string> {
  return Buffer.from(await checksum.digest()).toString("base64");
}

/** The checksum of a multipart object from its parts' values, in order. */
export async function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  parts: readonly string[],
): Promise<string> {
  const checksum = startChecksum(algorithm);
  for (const part of parts) checksum.update(Buffer.from(part, "base64"));
  return `${await base64Digest(checksum)}-${parts.length}`;
}
