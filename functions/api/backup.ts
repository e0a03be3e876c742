/** A backup as the API shows it. */
import { z } from "@hono/zod-openapi";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import type { ErrorRecord } from "../../core/errors.ts";
import { RETENTION_CLASSES } from "../../core/retention.ts";
import type { BackupRow, LastVerified } from "../../io/ledger/backup-rows.ts";
import { errorSchema, instant } from "./answer.ts";

const proof = z.enum(["restore", "objects"]);

export const backupSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    /** The promotion or the task that took it. */
    promotion: z.string().nullable(),
    task: z.string().nullable(),
    /** The backup it builds on: some of its objects are the base's. */
    base: z.string().nullable(),
    status: z.enum(["written", "verified", "refused", "expired"]),
    /** When its snapshot was taken. */
    takenAt: instant,
    /** Stored, the base's objects included. */
    bytes: z.number(),
    /** Before compression; null of old ones. */
    rawBytes: z.number().nullable(),
    rows: z.number(),
    verifiedAt: instant.nullable(),
    /** `restore`: a database made of it held the same; `objects`: every object was read and is what was written. */
    verifiedBy: proof.nullable(),
    restoreSeconds: z.number().nullable(),
    /** Why it was refused. */
    error: errorSchema.nullable(),
    retention: z.enum(RETENTION_CLASSES),
    retainUntil: instant,
    held: z.object({ reason: z.string(), by: z.string() }).nullable(),
    expiredAt: instant.nullable(),
  })
  .openapi("Backup");

const amount = { bytes: z.number(), rawBytes: z.number(), rows: z.number(), objects: z.int() };

export const backupDetailSchema = backupSchema
  .extend({
    /** What its manifest says; null once it is expired, or where it is damaged. */
    manifest: z
      .object({
        sha256: z.string(),
        server: z.string(),
        database: z.string(),
        encoding: z.string(),
        locale: z.string(),
        snapshot: z.object({ transactions: z.string(), lsn: z.string() }),
        extensions: z.array(z.object({ name: z.string(), version: z.string() })),
        tables: z.array(z.object({ table: z.string(), ...amount })),
        emptyTables: z.int(),
        largeObjects: z.object({ count: z.int(), ...amount }),
        /** What belongs to the server or to other databases. */
        notCarried: z.record(z.string(), z.array(z.string())),
        /** The backups in whose folders some of its objects are. */
        builtOn: z.array(z.string()),
      })
      .nullable(),
    /** Why the manifest cannot be shown, when it should be there. */
    damage: errorSchema.nullable(),
  })
  .openapi("BackupDetail");

export const lastVerifiedSchema = z
  .object({
    id: z.string(),
    takenAt: instant,
    verifiedAt: instant,
    verifiedBy: proof,
    /** Seconds since it was taken. */
    ageSeconds: z.number(),
  })
  .openapi("LastVerifiedBackup");

/** What people may see of a backup. */
export function shownBackup(backup: BackupRow): z.infer<typeof backupSchema> {
  const { id, environment, promotion, task, base, status, bytes, rawBytes, rows } = backup;
  return {
    ...{ id, environment, promotion, task, base, status },
    takenAt: backup.takenAt.toISOString(),
    ...{ bytes, rawBytes, rows },
    verifiedAt: backup.verifiedAt?.toISOString() ?? null,
    verifiedBy: backup.verifiedBy,
    restoreSeconds: backup.restoreSeconds,
    error: backup.error,
    retention: backup.retention,
    retainUntil: backup.retainUntil.toISOString(),
    held: backup.heldReason === null ? null : { reason: backup.heldReason, by: backup.heldBy ?? "somebody" },
    expiredAt: backup.expiredAt?.toISOString() ?? null,
  };
}

/** The same with what the manifest says of it. */
export function shownWithManifest(
  backup: BackupRow,
  found: { manifest: BackupManifest | null; damage: ErrorRecord | null },
): z.infer<typeof backupDetailSchema> {
  const manifest = found.manifest && facts(backup, found.manifest);
  return { ...shownBackup(backup), manifest, damage: found.damage };
}

export function shownLastVerified(
  found: LastVerified | undefined,
): z.infer<typeof lastVerifiedSchema> | null {
  if (found === undefined) return null;
  const { takenAt, verifiedAt } = found;
  return { ...found, takenAt: takenAt.toISOString(), verifiedAt: verifiedAt.toISOString() };
}

function facts({ id, manifestSha256 }: BackupRow, manifest: BackupManifest) {
  const { server, database, snapshot, extensions, data, emptyTables, largeObjects } = manifest;
  const tables = [...Map.groupBy(data, ({ table }) => table)].map(([table, objects]) => ({
    table,
    ...amountOf(objects),
  }));
  const owners = [manifest.toc, ...data, ...largeObjects].flatMap(
    ({ key }) => /^backups\/[^/]+\/([^/]+)\//.exec(key)?.[1] ?? [],
  );
  return {
    sha256: manifestSha256,
    server: server.version,
    database: database.name,
    encoding: database.encoding,
    locale: database.locale ?? database.collate,
    snapshot: { transactions: snapshot.transactions, lsn: snapshot.lsn },
    extensions,
    tables: tables.sort((one, other) => other.rawBytes - one.rawBytes),
    emptyTables: emptyTables.length,
    largeObjects: { count: manifest.baseline.largeObjects.count, ...amountOf(largeObjects) },
    notCarried: manifest.notCarried,
    builtOn: [...new Set(owners)].filter((owner) => owner !== id),
  };
}

function amountOf(objects: readonly { size: number; rawBytes: number; rows: number }[]) {
  const sum = (of: "size" | "rawBytes" | "rows") => objects.reduce((total, one) => total + one[of], 0);
  return { bytes: sum("size"), rawBytes: sum("rawBytes"), rows: sum("rows"), objects: objects.length };
}
