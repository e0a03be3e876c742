/** Backups in the ledger: written first, verified only by a restore whose baseline matched. */
import type { Session } from "../postgres/session.ts";

export interface BackupRow {
  id: string;
  environment: string;
  promotion: string;
  manifestKey: string;
  manifestSha256: string;
  bytes: number;
  rows: number;
  status: "written" | "verified" | "refused";
  createdAt: Date;
  verifiedAt: Date | null;
}

export async function insertBackup(
  session: Session,
  backup: Omit<BackupRow, "status" | "createdAt" | "verifiedAt">,
): Promise<void> {
  await session.query(
    `insert into ledger.backups (id, environment, promotion, manifest_key, manifest_sha256, bytes, rows)
      values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
    [
      backup.id,
      backup.environment,
      backup.promotion,
      backup.manifestKey,
      backup.manifestSha256,
      backup.bytes,
      backup.rows,
    ],
  );
}

/** A backup is verified by a restore that matched, or refused for good. */
export async function markBackup(
  session: Session,
  id: string,
  status: "verified" | "refused",
): Promise<void> {
  await session.query(
    "update ledger.backups set status = $2, verified_at = case when $2 = 'verified' then now() end where id = $1",
    [id, status],
  );
}
