/** How long backups are kept: a class gives each its date, and what is newest, held, used or built upon outlives it. */

/** Why a backup was taken, or how long somebody wants it: the policy says how many days each is kept. */
export const RETENTION_CLASSES = ["promotion", "manual", "archive"] as const;

export type RetentionClass = (typeof RETENTION_CLASSES)[number];

/** What decides whether a backup may go. */
export interface Keepable {
  id: string;
  environment: string;
  takenAt: Date;
  retainUntil: Date;
  verified: boolean;
  held: boolean;
  /** What needs it now, for a person: a promotion or a task; null when nothing does. */
  usedBy: string | null;
  /** The backups whose objects it refers to, itself left out. */
  builtOn: readonly string[];
}

interface Keeping {
  id: string;
  /** Why it stays, for a person; null when it may go. */
  because: string | null;
}

/**
 * Judges every backup that is there, newest first: whatever a kept one builds on is kept as well. `keepVerified` tells
 * how many of an environment's newest verified backups stay whatever their date.
 */
export function judgeBackups(
  backups: readonly Keepable[],
  now: Date,
  keepVerified: (environment: string) => number,
): Keeping[] {
  const needed = new Map<string, string>();
  const verified = new Map<string, number>();
  const newestFirst = [...backups].sort(
    (one, other) => other.takenAt.getTime() - one.takenAt.getTime() || (one.id < other.id ? 1 : -1),
  );
  return newestFirst.map((backup) => {
    const rank = verified.get(backup.environment) ?? 0;
    if (backup.verified) verified.set(backup.environment, rank + 1);
    const because = reasonToKeep(backup, now, {
      newestVerified: backup.verified && rank < keepVerified(backup.environment),
      neededBy: needed.get(backup.id),
    });
    if (because !== null) for (const base of backup.builtOn) needed.set(base, backup.id);
    return { id: backup.id, because };
  });
}

function reasonToKeep(
  { held, usedBy, retainUntil }: Keepable,
  now: Date,
  { newestVerified, neededBy }: { newestVerified: boolean; neededBy: string | undefined },
): string | null {
  if (held) return "it is held";
  if (usedBy !== null) return `${usedBy} needs it`;
  if (neededBy !== undefined) return `${neededBy} is built on it`;
  if (newestVerified) return "it is the environment's newest verified one";
  return retainUntil > now ? "its time is not over" : null;
}

/** The end of a backup's time when it is taken at `from`. */
export function retainUntil(from: Date, days: number): Date {
  return new Date(from.getTime() + days * 86_400_000);
}
