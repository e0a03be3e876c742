/** Backups in words: a table of them, one with what its manifest says, and what became of a task. */
import { age, number } from "../core/counts.ts";
import type { Backup, BackupDetail, LastVerified, Task } from "./answers.ts";
import { describeFilesImport } from "./files-import-text.ts";
import { describePruneTest } from "./prune-text.ts";
import { describeRegenerated } from "./reporting-text.ts";
import { describeSqliteImport } from "./sqlite-import-text.ts";
import { describeStoreTask } from "./store-text.ts";
import { bytes, columns, duration, facts, plain, rows, short, when } from "./text.ts";

/** A line for each. */
export function backupTable(backups: readonly Backup[]): string {
  const head = ["BACKUP", "ENVIRONMENT", "TAKEN", "STATUS", "SIZE", "ROWS", "BASE", "RESTORED IN", "KEPT"];
  const lines = backups.map((one) => [
    one.id,
    one.environment,
    when(one.takenAt),
    standing(one),
    bytes(one.bytes),
    number(one.rows),
    one.base ?? "none",
    one.restoreSeconds === null ? "" : duration(one.restoreSeconds * 1_000),
    kept(one),
  ]);
  return columns([head, ...lines]);
}

/** A line for each. */
export function taskTable(tasks: readonly Task[]): string {
  const head = ["TASK", "KIND", "ENVIRONMENT", "BACKUP", "STATUS", "STARTED", "TOOK", "REASON"];
  const lines = tasks.map((one) => [
    one.id,
    one.kind,
    one.environment ?? "all",
    one.backup ?? "",
    one.status,
    when(one.createdAt),
    one.endedAt === null ? "" : duration(Date.parse(one.endedAt) - Date.parse(one.createdAt)),
    one.error?.code ?? "",
  ]);
  return columns([head, ...lines]);
}

/** One with all that is known of it. */
export function describeBackup(one: BackupDetail): string {
  const told = facts({
    backup: one.id,
    environment: one.environment,
    taken: when(one.takenAt),
    by: one.promotion === null ? "itself" : `promotion ${one.promotion}`,
    base: one.base,
    status: standing(one),
    verified: one.verifiedAt && `${when(one.verifiedAt)}, ${proofWords(one.verifiedBy)}`,
    "restored in": one.restoreSeconds === null ? null : duration(one.restoreSeconds * 1_000),
    size: `${bytes(one.bytes)}${one.rawBytes === null ? "" : ` of ${bytes(one.rawBytes)}`}, ${rows(one.rows)}`,
    kept: kept(one),
    reason: one.error?.message,
    hint: one.error?.hint,
  });
  return [told, ...manifestParts(one)].join("\n\n");
}

function manifestParts({ manifest, damage }: BackupDetail): string[] {
  if (damage !== null) return [facts({ damage: damage.message, hint: damage.hint })];
  if (manifest === null) return [];
  const { tables, largeObjects, extensions, notCarried } = manifest;
  const named = Object.entries(notCarried).filter(([, names]) => names.length > 0);
  const told = facts({
    manifest: short(manifest.sha256),
    server: `Postgres ${manifest.server}`,
    database: `${manifest.database}, ${manifest.encoding}, ${manifest.locale}`,
    extensions: extensions.map(({ name, version }) => `${name} ${version}`).join(", "),
    "large objects":
      largeObjects.count === 0 ? "none" : `${largeObjects.count}, ${bytes(largeObjects.rawBytes)}`,
    "empty tables": String(manifest.emptyTables),
    "built on": manifest.builtOn.join(", "),
    "not carried": named.map(([kind, names]) => `${words(kind)} ${names.join(", ")}`).join("; "),
  });
  const lines = tables.map((one) => [one.table, number(one.rows), bytes(one.rawBytes), bytes(one.bytes)]);
  return lines.length === 0 ? [told] : [told, columns([["TABLE", "ROWS", "TEXT", "STORED"], ...lines])];
}

/** The age of the newest verified backup, and how it was verified. */
export function describeLastVerified(found: LastVerified): string {
  if (found === null) return "none";
  return `${found.id}, ${age(found.ageSeconds)} old, ${proofWords(found.verifiedBy)}`;
}

/** What came of a task that ended well. */
export function describeOutcome({ id, kind, outcome }: Task): string {
  const told = outcome ?? {};
  const text = (name: string) => String(told[name] ?? "");
  const amount = (name: string) => (typeof told[name] === "number" ? (told[name] as number) : 0);
  const seconds = (name: string) => duration(amount(name) * 1_000);
  switch (kind) {
    case "back-up":
      return [
        `${text("backup")}: ${rows(amount("rows"))}, ${bytes(amount("bytes"))} of ${bytes(amount("rawBytes"))}`,
        ...(told.base ? [`${bytes(amount("newBytes"))} are new, the rest is ${text("base")}'s`] : []),
        `prove it with: rehearsal backup verify ${text("backup")} --restore`,
      ].join("\n");
    case "verify":
      return told.by === "restore"
        ? `${text("backup")}: restored in ${seconds("restoreSeconds")}, and the copy held the same: ${rows(amount("rows"))}`
        : `${text("backup")}: all ${amount("objects")} objects are what was written: ${rows(amount("rows"))}, ${bytes(amount("rawBytes"))}`;
    case "restore":
      return [
        `${text("backup")}: restored into "${text("database")}" in ${seconds("restoreSeconds")}`,
        ...(told.replaced
          ? [`what was there is kept as "${text("replaced")}"; drop it when nobody needs it`]
          : []),
        ...(told.closed === true
          ? ["only its owner may connect, for the environment's database is not there to tell who else may"]
          : []),
        ...(Array.isArray(told.withoutTablespace) && told.withoutTablespace.length > 0
          ? [
              `the server lacks the tablespaces ${told.withoutTablespace.join(", ")}; what lay there lies in its own`,
            ]
          : []),
      ].join("\n");
    case "expire":
      return `${amount("expired")} expired, ${amount("objects")} objects, ${bytes(amount("bytes"))} freed`;
    case "export":
      return `${id}: ${amount("files")} files, ${bytes(amount("bytes"))}`;
    case "replay":
      return `${id}: release ${short(text("release"))}, ${amount("migrations")} migrations, makes ${amount("tables")} tables; schema ${short(text("fingerprint"))}`;
    case "adopt":
      return [
        `${amount("migrations")} migrations are recorded as applied, to ${plain(text("through"))}; a replay of them made the same shape`,
        amount("pending") === 0 ? "nothing of the release is pending" : `${amount("pending")} are pending`,
        ...(Array.isArray(told.traceless) && told.traceless.length > 0
          ? [
              `no schema tells whether these ran, for they change data alone; look whether they did: ${plain(told.traceless.join(", "))}`,
            ]
          : []),
      ].join("\n");
    case "report":
      return [
        `${id}: ${text("report")}, ${rows(amount("rows"))} as of ${when(text("snapshotAt"))}, ${amount("files")} files, ${bytes(amount("bytes"))}`,
        `fetch them with: rehearsal reporting download ${id} --out FOLDER`,
      ].join("\n");
    case "regenerate":
      return describeRegenerated(told);
    case "import-files":
      return describeFilesImport(id, told);
    case "import-sqlite":
      return describeSqliteImport(id, told);
    case "squash":
      return `${id}: proved; databases that have had the originals take the squash for them`;
    case "prune-test":
      return describePruneTest(told);
    case "store-dump":
    case "store-export":
    case "store-sync":
    case "store-verify":
    case "store-import":
    case "store-cutover":
      return describeStoreTask(id, kind, told);
    case "baseline":
      return `${id}: ${amount("tables")} tables, ${rows(amount("rows"))}, at ${when(text("takenAt"))}`;
  }
}

function standing({ status, verifiedBy }: Pick<Backup, "status" | "verifiedBy">): string {
  return status === "verified" ? `verified (${verifiedBy})` : status;
}

function kept({ held, retention, retainUntil, expiredAt }: Backup): string {
  if (expiredAt !== null) return `until ${when(expiredAt)}`;
  if (held !== null) return `held by ${held.by}: ${held.reason}`;
  return `${retention}, until ${retainUntil.slice(0, 10)}`;
}

function proofWords(by: string | null): string {
  return by === "restore" ? "by a restore" : "by reading its objects";
}

/** `otherDatabases` as `other databases`. */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
