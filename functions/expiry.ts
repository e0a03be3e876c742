/** Which backups may go: judged by the ledger, and, before any object is removed, by the manifests of those that stay. */
import { judgeBackups, type Keepable } from "../core/retention.ts";
import { type BackupRow, listUnexpired } from "../io/ledger/backup-rows.ts";
import { beginExpiry } from "../io/ledger/backups.ts";
import { listEnvironments, lockEnvironment } from "../io/ledger/environments.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { isDamage, readManifest } from "./backups.ts";

interface Judged {
  backup: BackupRow;
  /** Why it stays; null when it may go. */
  because: string | null;
}

/** Judges the backups of an environment, or of all, newest first; `builtOn` adds to what the ledger knows of it. */
export async function judge(
  ledger: Session,
  environment: string | null,
  builtOn: ReadonlyMap<string, readonly string[]> = new Map(),
): Promise<Judged[]> {
  const backups = await listUnexpired(ledger, environment);
  const users = await usersOf(ledger);
  const keepable = backups.map((backup): Keepable => {
    const own = users.get(backup.id) ?? (backup.promotion && users.get(backup.promotion)) ?? null;
    return {
      id: backup.id,
      environment: backup.environment,
      takenAt: backup.takenAt,
      retainUntil: backup.retainUntil,
      verified: backup.status === "verified" && backup.verifiedBy === "restore",
      held: backup.heldReason !== null,
      usedBy: own === "" ? null : own,
      builtOn: [...(backup.base === null ? [] : [backup.base]), ...(builtOn.get(backup.id) ?? [])],
    };
  });
  const policies = new Map((await listEnvironments(ledger)).map(({ name, policy }) => [name, policy]));
  const judged = judgeBackups(
    keepable,
    await nowOf(ledger),
    (name) => policies.get(name)?.retention.keepVerified ?? 1,
  );
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  return judged.flatMap(({ id, because }) => {
    const backup = byId.get(id);
    // What an earlier run began to remove is of no use any more, and goes.
    return backup === undefined
      ? []
      : [{ backup, because: backup.expiringAt === null ? because : null } satisfies Judged];
  });
}

/**
 * Marks what may go, in one transaction in which nobody can begin to rely on it: from then on no task takes it as its
 * base, and none restores it. Must be called inside a transaction.
 */
export async function markExpiring(
  ledger: Session,
  environment: string | null,
  builtOn: ReadonlyMap<string, readonly string[]>,
): Promise<BackupRow[]> {
  const names =
    environment === null ? (await listEnvironments(ledger)).map(({ name }) => name) : [environment];
  for (const name of names.sort()) await lockEnvironment(ledger, name);
  const going: BackupRow[] = [];
  for (const { backup, because } of await judge(ledger, environment, builtOn))
    if (because === null && (await beginExpiry(ledger, backup.id))) going.push(backup);
  return going;
}

/** The other backups whose objects each refers to, read from the manifests; one that cannot be read refers to none. */
export async function readBuiltOn(
  store: ObjectStore,
  backups: readonly BackupRow[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const backup of backups) {
    try {
      const { toc, data, largeObjects } = await readManifest(store, backup);
      const owners = [toc, ...data, ...largeObjects].flatMap(
        ({ key }) => /^backups\/[^/]+\/([^/]+)\//.exec(key)?.[1] ?? [],
      );
      found.set(
        backup.id,
        [...new Set(owners)].filter((owner) => owner !== backup.id),
      );
    } catch (error) {
      // Whoever wants to restore it is told what is wrong with it; here it only keeps nothing.
      if (!isDamage(error)) throw error;
    }
  }
  return found;
}

/** What is under way, by the backup or the promotion that it needs. */
async function usersOf(ledger: Session): Promise<Map<string, string>> {
  const found = await ledger.query<{ needs: string; by: string }>(
    `select id as needs, 'promotion ' || id as by from ledger.promotions where status in ('created', 'running', 'waiting', 'held')
      union all
      select needs, 'task ' || id from ledger.tasks, unnest(array[backup, input ->> 'base']) as needs
        where status in ('created', 'running') and needs is not null`,
  );
  return new Map(found.map(({ needs, by }) => [needs, by]));
}

/** By the ledger's clock, which also gave the tasks their times. */
async function nowOf(ledger: Session): Promise<Date> {
  const [row] = await ledger.query<{ now: Date }>("select now() as now");
  return row?.now ?? new Date();
}
