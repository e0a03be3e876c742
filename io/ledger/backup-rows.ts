/** Backups as the ledger has them: one, many, and the newest that is good for something. */
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import type { RetentionClass } from "../../core/retention.ts";
import type { Session } from "../postgres/session.ts";

type BackupStatus = "written" | "verified" | "refused" | "expired";

export interface BackupRow {
  id: string;
  environment: string;
  /** The promotion or the task that took it. */
  promotion: string | null;
  task: string | null;
  /** The backup it builds on: some of its objects are the base's. */
  base: string | null;
  manifestKey: string;
  manifestSha256: string;
  /** As stored, its base's objects included. */
  bytes: number;
  /** Of COPY text; null where it was not counted. */
  rawBytes: number | null;
  rows: number;
  status: BackupStatus;
  takenAt: Date;
  createdAt: Date;
  verifiedAt: Date | null;
  /** `restore`: a database made of it held the same. `objects`: every object was read and is what was written. */
  verifiedBy: "restore" | "objects" | null;
  restoreSeconds: number | null;
  /** Why it was refused. */
  error: ErrorRecord | null;
  retention: RetentionClass;
  retainUntil: Date;
  heldReason: string | null;
  heldBy: string | null;
  /** Set while its objects are being removed. */
  expiringAt: Date | null;
  expiredAt: Date | null;
}

const COLUMNS = `id, environment, promotion, task, base, manifest_key as "manifestKey", manifest_sha256 as "manifestSha256",
  bytes::float8 as bytes, raw_bytes::float8 as "rawBytes", rows::float8 as rows, status, taken_at as "takenAt",
  created_at as "createdAt", verified_at as "verifiedAt", verified_by as "verifiedBy", restore_seconds as "restoreSeconds",
  error, retention, retain_until as "retainUntil", held_reason as "heldReason", held_by as "heldBy",
  expiring_at as "expiringAt", expired_at as "expiredAt"`;

/** The backup of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readBackup(session: Session, id: string, lock?: "lock"): Promise<BackupRow> {
  const [row] = await session.query<BackupRow>(
    `select ${COLUMNS} from ledger.backups where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "backup", name: id });
  return row;
}

/** Newest first; `before` is the id to go on from. */
export async function listBackups(
  session: Session,
  options: { environment?: string; among?: readonly string[]; before?: string; limit: number },
): Promise<BackupRow[]> {
  return session.query<BackupRow>(
    `select ${COLUMNS} from ledger.backups b
      where ($1::text is null or environment = $1)
        and ($2::text is null or (b.created_at, b.id) < (select o.created_at, o.id from ledger.backups o where o.id = $2
          and ($1::text is null or o.environment = $1) and ($4::text[] is null or o.environment = any ($4))))
        and ($4::text[] is null or environment = any ($4))
      order by b.created_at desc, b.id desc limit $3`,
    [options.environment ?? null, options.before ?? null, options.limit, options.among ?? null],
  );
}

/** Every backup whose objects are still there, of one environment when named. */
export async function listUnexpired(session: Session, environment: string | null): Promise<BackupRow[]> {
  return session.query<BackupRow>(
    `select ${COLUMNS} from ledger.backups where expired_at is null and ($1::text is null or environment = $1)
      order by taken_at desc, id desc`,
    [environment],
  );
}

/** The newest backup on which another may build, or that may be restored; undefined when there is none. */
export async function newestUsable(session: Session, environment: string): Promise<BackupRow | undefined> {
  const [row] = await session.query<BackupRow>(
    `select ${COLUMNS} from ledger.backups where environment = $1 and status in ('written', 'verified') and expiring_at is null
      order by taken_at desc, id desc limit 1`,
    [environment],
  );
  return row;
}

export interface LastVerified {
  id: string;
  takenAt: Date;
  verifiedAt: Date;
  verifiedBy: "restore" | "objects";
  /** Seconds since its snapshot, by the ledger's clock. */
  ageSeconds: number;
}

/** The newest verified backup of an environment. */
export async function lastVerified(session: Session, environment: string): Promise<LastVerified | undefined> {
  const [row] = await session.query<LastVerified>(
    `select id, taken_at as "takenAt", verified_at as "verifiedAt", verified_by as "verifiedBy",
        greatest(0, extract(epoch from now() - taken_at))::float8 as "ageSeconds"
      from ledger.backups where environment = $1 and status = 'verified' and expiring_at is null
      order by taken_at desc, id desc limit 1`,
    [environment],
  );
  return row;
}
