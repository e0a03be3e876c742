/** The words of prunes: what is done with the working material of records that were archived, and how it ends. */

/** Who or what set a prune off. */
export const PRUNE_TRIGGERS = ["event", "request", "sweep"] as const;

export type PruneTrigger = (typeof PRUNE_TRIGGERS)[number];

/** `report` deletes nothing; `restore` brings back what another prune deleted. */
export const PRUNE_MODES = ["report", "prune", "restore"] as const;

export type PruneMode = (typeof PRUNE_MODES)[number];

/** Where a prune stands; all but the first two are ends. */
export const PRUNE_STATUSES = [
  "created",
  "running",
  "reported",
  "pruned",
  "restored",
  "nothing-to-do",
  "refused",
  "failed",
] as const;

export type PruneStatus = (typeof PRUNE_STATUSES)[number];

export function isPruneEnded(status: PruneStatus): boolean {
  return status !== "created" && status !== "running";
}

/** Where a record of a prune stands, in the order of the work. */
export const RECORD_STEPS = [
  "waiting",
  "checked",
  "ready",
  "bundled",
  "rows-deleted",
  "media-deleted",
] as const;

/** How it ends. */
export const RECORD_ENDS = ["reported", "pruned", "restored", "nothing-to-do", "refused", "failed"] as const;

export type RecordStatus = (typeof RECORD_STEPS)[number] | (typeof RECORD_ENDS)[number];

export function isRecordEnded(status: RecordStatus): boolean {
  return (RECORD_ENDS as readonly string[]).includes(status);
}

/** From here on rows are gone: what has begun so is brought to its end, whatever is in the way. */
export function isHalfPruned(status: RecordStatus): boolean {
  return status === "rows-deleted" || status === "media-deleted";
}

/** How a prune ends whose records ended so, none of them half done: badly where one did, else by the most that was done to any. */
export function endOfPrune(records: ReadonlySet<RecordStatus>): PruneStatus {
  const order = ["failed", "pruned", "restored", "reported", "refused"] as const;
  return order.find((status) => records.has(status)) ?? "nothing-to-do";
}

/** What became of the word that a record was archived. */
const ARCHIVE_ENDS = [
  /** It set a prune off. */
  "prune",
  /** A prune of the record was under way, or had come before. */
  "known",
  /** There is no such environment, policy or record: nothing was done. */
  "unknown-environment",
  "unknown-policy",
  "unknown-record",
  /** The record is not archived, or was not yet: the sweep finds it when it is. */
  "not-archived",
  /** Its grace is not over: it is left to the sweep. */
  "in-grace",
] as const;

export type ArchiveEnd = (typeof ARCHIVE_ENDS)[number];

/** What is counted of a record: rows by table, and what lies in the bucket for them. */
export interface PruneCounts {
  /** By the table's name as the policy has it. */
  rows: Record<string, number>;
  objects: number;
  bytes: number;
}

/** What of a record may go, and what stays for which reasons. */
export interface CandidateCounts extends PruneCounts {
  /** Rows that the policy would have go and that stay, by table. */
  kept: Record<string, number>;
  /** Where the whole of it stands in the bucket, and its hash. */
  file?: { key: string; sha256: string };
}

/** What came of a whole prune so far. */
export interface PruneTotals {
  /** Records by how they stand or ended. */
  records: Partial<Record<RecordStatus, number>>;
  rows: number;
  objects: number;
  bytes: number;
}
