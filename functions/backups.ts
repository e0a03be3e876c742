/** A backup as the ledger knows it: where its objects are, and its manifest, read back and held against the hash that was recorded. */
import { type BackupManifest, parseManifest } from "../core/backup-manifest.ts";
import { sha256 } from "../core/digest.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../core/errors.ts";
import type { BackupRow } from "../io/ledger/backup-rows.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** Where a backup's own objects are; some of it may lie under its base's prefix. */
export function backupPrefix(environment: string, id: string): string {
  return `backups/${environment}/${id}/`;
}

export function manifestKey(environment: string, id: string): string {
  return `${backupPrefix(environment, id)}manifest.json`;
}

/** Reads a manifest; throws `BackupObjectMissing`, and `BackupCorrupt` when its bytes are not those that were written. */
export async function readManifest(
  store: ObjectStore,
  backup: { id: string; sha256: string; key: string } | Pick<BackupRow, "manifestKey" | "manifestSha256">,
): Promise<BackupManifest> {
  const { key, hash } =
    "key" in backup
      ? { key: backup.key, hash: backup.sha256 }
      : { key: backup.manifestKey, hash: backup.manifestSha256 };
  const bytes = await store.get(key).catch((error: unknown) => {
    if (error instanceof RehearsalError && error.code === "ObjectMissing")
      throw new RehearsalError("BackupObjectMissing", { object: key }, { cause: error });
    throw error;
  });
  if (sha256(bytes) !== hash)
    throw new RehearsalError("BackupCorrupt", {
      object: key,
      reason: "it is not the manifest that was written",
    });
  return parseManifest(bytes);
}

/** Throws `BackupUnusable` for one that is refused, expired or on its way out. */
export function refuseUnusable({ id, status, expiringAt, environment }: BackupRow): void {
  const unfit = expiringAt !== null && status !== "expired" ? "being expired" : status;
  if (unfit === "written" || unfit === "verified") return;
  throw new RehearsalError("BackupUnusable", { backup: id, status: unfit, environment });
}

/** Throws `BackupUnusable` when its objects are gone, or going. */
export function refuseGone(backup: BackupRow): void {
  if (backup.expiringAt !== null || backup.status === "expired") refuseUnusable(backup);
}

const DAMAGE = new Set([
  "ArchiveUnreadable",
  "BackupCorrupt",
  "BackupObjectMissing",
  "CopyDiffers",
  "ManifestUnreadable",
]);

/** True for a failure that says the backup itself is wrong, and not what stood around it. */
export function isDamage(error: unknown): error is RehearsalError {
  return error instanceof RehearsalError && DAMAGE.has(error.code);
}

/** A backup's manifest, and of a damaged one why it cannot be shown: what is known of it is shown all the same. */
export async function lookInto(
  store: ObjectStore,
  backup: BackupRow,
): Promise<{ manifest: BackupManifest | null; damage: ErrorRecord | null }> {
  if (backup.status === "expired") return { manifest: null, damage: null };
  try {
    return { manifest: await readManifest(store, backup), damage: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { manifest: null, damage: toErrorRecord(error) };
  }
}
