/** Whose something is that lies in the bucket or on a server, by its name: what dead attempts leave behind is known by nothing else. */

/** Of a promotion or a task: see io/new-id.ts. */
const OWNER = "[pt][0-9]{6}[0-9a-hjkmnp-tv-z]{8}";

const BACKUP_OF_PROMOTION = new RegExp(`^(${OWNER})-(?:([a-z]+(?:-[a-z]+)*)-)?([1-9][0-9]*)$`);
const SCRATCH = new RegExp(`__(?:pristine|rehearsed|scratch)_(${OWNER})_[0-9a-z]+$`);

/** `backups/ENVIRONMENT/BACKUP/` of a key below it; undefined for a key that is elsewhere. */
export function backupFolder(key: string): { folder: string; backup: string } | undefined {
  const [top, environment, backup, rest] = key.split("/");
  if (top !== "backups" || !environment || !backup || rest === undefined) return undefined;
  return { folder: `backups/${environment}/${backup}/`, backup };
}

/** The attempt that a backup's id names, of the step back-up where it names none; undefined for a task's backup. */
export function attemptOf(backup: string): { promotion: string; step: string; attempt: number } | undefined {
  const [, promotion, step = "back-up", attempt] = BACKUP_OF_PROMOTION.exec(backup) ?? [];
  return promotion === undefined ? undefined : { promotion, step, attempt: Number(attempt) };
}

const EXPORTED = new RegExp(`^exports/(${OWNER})/([1-9][0-9]*)/`);

/** The task's attempt that writes an export's file, by the file's key; undefined for a key that is elsewhere. */
export function exporterOf(key: string): { task: string; attempt: number } | undefined {
  const [, task, attempt] = EXPORTED.exec(key) ?? [];
  return task === undefined ? undefined : { task, attempt: Number(attempt) };
}

/** The promotion or task that made a database for its own use; undefined for any other database, a kept one too. */
export function ownerOfScratch(database: string): string | undefined {
  return SCRATCH.exec(database)?.[1];
}

/** What became of whoever began something: ended for good, or overtaken by a newer attempt. */
export interface Ownership {
  ended: boolean;
  /** When it ended, by the ledger's clock. */
  endedAt: Date | null;
  overtaken: boolean;
}

/** Uploads of nobody the ledger knows are left alone for so long. */
const STRANGERS_HOURS = 24;

/** True when nobody will end the upload any more. `now` is the ledger's clock. */
export function isAbandoned(owner: Ownership | undefined, initiated: Date, now: Date): boolean {
  if (owner !== undefined) return owner.ended || owner.overtaken;
  return now.getTime() - initiated.getTime() > STRANGERS_HOURS * 3_600_000;
}

/** Days for which a whole backup is left alone that its attempt did not live to record: somebody may still be looking into that death. */
const UNRECORDED_DAYS = 7;

/** True when a backup that has a manifest and no record has waited long enough since its owner's end. `now` is the ledger's clock. */
export function isForgotten({ endedAt }: Ownership, now: Date): boolean {
  return endedAt !== null && now.getTime() - endedAt.getTime() > UNRECORDED_DAYS * 86_400_000;
}
