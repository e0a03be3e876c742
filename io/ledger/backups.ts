/** Backups in the ledger: written first, then proved or refused, and kept until their time is over; each change is told in the log. */
import type { Json } from "../../core/canonical-json.ts";
import type { ErrorRecord } from "../../core/errors.ts";
import { type RetentionClass, retainUntil } from "../../core/retention.ts";
import type { Session } from "../postgres/session.ts";
import { type BackupRow, readBackup } from "./backup-rows.ts";
import { readEnvironment } from "./environments.ts";
import { appendEvent } from "./events.ts";

interface NewBackup
  extends Pick<BackupRow, "id" | "environment" | "manifestKey" | "manifestSha256" | "bytes" | "rows"> {
  promotion?: string;
  task?: string;
  base?: string;
  rawBytes?: number;
  /** How long it took. */
  seconds?: number;
  /** The snapshot's instant; now when left out. */
  takenAt?: Date;
  /** `promotion` when left out. */
  retention?: RetentionClass;
  /** Its date; by the environment's policy, from `takenAt`, when left out. */
  retainUntil?: Date;
}

/** Records a backup whose manifest is written; one that is known already stays as it is. */
export async function insertBackup(session: Session, backup: NewBackup): Promise<void> {
  const { takenAt = new Date(), retention = "promotion" } = backup;
  const until = backup.retainUntil ?? (await dateOf(session, backup.environment, retention, takenAt));
  await inTransaction(session, async () => {
    const inserted = await session.query(
      `insert into ledger.backups (id, environment, promotion, task, base, manifest_key, manifest_sha256, bytes, raw_bytes,
          rows, taken_at, retention, retain_until)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing returning id`,
      [
        backup.id,
        backup.environment,
        backup.promotion ?? null,
        backup.task ?? null,
        backup.base ?? null,
        backup.manifestKey,
        backup.manifestSha256,
        backup.bytes,
        backup.rawBytes ?? null,
        backup.rows,
        takenAt,
        retention,
        until,
      ],
    );
    if (inserted.length === 0) return;
    await tell(session, "taken", await readBackup(session, backup.id), {
      ...(backup.task !== undefined && { task: backup.task }),
      manifest: backup.manifestSha256,
      bytes: backup.bytes,
      rows: backup.rows,
      ...(backup.seconds !== undefined && { seconds: backup.seconds }),
      base: backup.base ?? null,
      retention,
      retainUntil: until.toISOString(),
    });
  });
}

/** Until when a backup of that class is kept that is taken at `takenAt`. */
export async function dateOf(
  session: Session,
  environment: string,
  retention: RetentionClass,
  takenAt: Date,
): Promise<Date> {
  const { policy } = await readEnvironment(session, environment);
  return retainUntil(takenAt, policy.retention[retention]);
}

export interface Proof {
  by: "restore" | "objects";
  /** Of the whole restore. */
  restoreSeconds?: number;
  /** The task that found it out. */
  task?: string;
}

interface Refutation {
  error: ErrorRecord;
  task?: string;
}

/**
 * A backup is verified, or refused with the reason. What a restore has proved, or refused, the reading of objects does
 * not change: only another restore does.
 */
export async function markBackup(
  session: Session,
  id: string,
  status: "verified" | "refused",
  why: Proof | Refutation = { by: "restore" },
): Promise<void> {
  const proof = "by" in why ? why : undefined;
  await inTransaction(session, async () => {
    const changed = await session.query(
      `update ledger.backups set status = $2,
          verified_at = case when $2 = 'verified' then now() else verified_at end,
          verified_by = case when $2 = 'verified' then $3 else verified_by end,
          restore_seconds = coalesce($4, restore_seconds),
          error = $5
        where id = $1 and status <> 'expired'
          and not ($2 = 'verified' and $3 = 'objects' and (status = 'refused' or (status = 'verified' and verified_by = 'restore')))
        returning id`,
      [
        id,
        status,
        proof?.by ?? null,
        proof?.restoreSeconds ?? null,
        "error" in why ? JSON.stringify(why.error) : null,
      ],
    );
    if (changed.length === 0) return;
    const { task } = why;
    await tell(session, status, await readBackup(session, id), {
      ...("error" in why ? { code: why.error.code, message: why.error.message } : { by: why.by }),
      ...(proof?.restoreSeconds !== undefined && { restoreSeconds: proof.restoreSeconds }),
      ...(task !== undefined && { task }),
    });
  });
}

/** Keeps a backup whatever its date, or lets it go again when the reason is null. */
export async function holdBackup(
  session: Session,
  id: string,
  reason: string | null,
  by: string,
): Promise<void> {
  await inTransaction(session, async () => {
    await session.query(
      "update ledger.backups set held_reason = $2, held_by = case when $2::text is not null then $3 end where id = $1",
      [id, reason, by],
    );
    await tell(session, reason === null ? "unheld" : "held", await readBackup(session, id), {
      by,
      ...(reason !== null && { reason }),
    });
  });
}

/** From here on nobody may rely on it: its objects are about to be removed. False when somebody has held it meanwhile. */
export async function beginExpiry(session: Session, id: string): Promise<boolean> {
  const changed = await session.query(
    `update ledger.backups set expiring_at = coalesce(expiring_at, now())
      where id = $1 and expired_at is null and (held_reason is null or expiring_at is not null) returning id`,
    [id],
  );
  return changed.length > 0;
}

/** Nothing of it was removed, and it may be relied on again. */
export async function withdrawExpiry(session: Session, id: string): Promise<void> {
  await session.query("update ledger.backups set expiring_at = null where id = $1 and expired_at is null", [
    id,
  ]);
}

/** Its objects are gone; the row stays. */
export async function finishExpiry(session: Session, id: string, removed: Json): Promise<void> {
  await inTransaction(session, async () => {
    const changed = await session.query(
      "update ledger.backups set status = 'expired', expired_at = now() where id = $1 and expired_at is null returning id",
      [id],
    );
    if (changed.length > 0) await tell(session, "expired", await readBackup(session, id), removed);
  });
}

/** What the log says of a backup; must be called inside the transaction that makes it true. */
export async function tellOfBackup(
  session: Session,
  type: "restored" | "exported" | "restore-refused",
  backup: Pick<BackupRow, "id" | "environment">,
  data: { [name: string]: Json },
): Promise<void> {
  await appendEvent(session, {
    type: `backup.${type}`,
    environment: backup.environment,
    data: { backup: backup.id, ...data },
  });
}

async function tell(session: Session, type: string, backup: BackupRow, data: Json): Promise<void> {
  await appendEvent(session, {
    type: `backup.${type}`,
    environment: backup.environment,
    ...(backup.promotion !== null && { promotion: backup.promotion }),
    data: { backup: backup.id, ...(data as Record<string, Json>) },
  });
}

/** The log is appended to inside the transaction that makes an event true; a caller may have one already. */
async function inTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  if (session.inTransaction()) await work();
  else await session.transaction(work);
}
