/** A backup's manifest as the ledger knows it: read back and held against the hash that was recorded. */
import { type BackupManifest, parseManifest } from "../core/backup-manifest.ts";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** Reads a manifest; throws `BackupCorrupt` when its bytes are not those that were written. */
export async function readManifest(
  store: ObjectStore,
  backup: { id: string; key: string; sha256: string },
): Promise<BackupManifest> {
  const bytes = await store.get(backup.key);
  if (sha256(bytes) !== backup.sha256)
    throw new RehearsalError("BackupCorrupt", {
      object: backup.key,
      reason: "it is not the manifest that was written",
    });
  return parseManifest(bytes);
}
