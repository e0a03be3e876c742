/** What a promotion will run, in order: files cut into runs, each one transaction, or one file outside any or in slices. */
import type { BatchSettings } from "./batch.ts";
import type { Migration, Statement } from "./migration.ts";

export interface RunItem {
  kind: "migration" | "view" | "seed";
  /** The file's path in the release. */
  path: string;
  /** Null for views and seeds. */
  version: number | null;
  sha256: string;
  /** Claimed by the file: running it twice changes nothing. */
  idempotent: boolean;
  /** Its one statement runs in slices. */
  batch?: BatchSettings;
  statements: readonly Statement[];
}

export interface Run {
  transactional: boolean;
  items: RunItem[];
}

/** A file that runs again whenever its content has changed. */
export interface Repeatable {
  path: string;
  sha256: string;
  statements: readonly Statement[];
}

/**
 * Cuts pending files into runs: consecutive transactional migrations share one transaction; a migration that asked
 * for none, or for slices, stands alone; views, then seeds, join the last transaction when there is one at the end.
 */
export function planRuns(
  pending: readonly Migration[],
  views: readonly Repeatable[],
  seeds: readonly Repeatable[],
): Run[] {
  const runs: Run[] = [];
  const add = (transactional: boolean, item: RunItem) => {
    const last = runs.at(-1);
    if (transactional && last?.transactional) last.items.push(item);
    else runs.push({ transactional, items: [item] });
  };
  for (const migration of pending)
    add(migration.transactional, { kind: "migration", ...fieldsOf(migration) });
  for (const view of views) add(true, { kind: "view", version: null, idempotent: true, ...view });
  for (const seed of seeds) add(true, { kind: "seed", version: null, idempotent: false, ...seed });
  return runs;
}

function fieldsOf({ path, version, sha256, idempotent, batch, statements }: Migration) {
  return { path, version, sha256, idempotent, ...(batch && { batch }), statements };
}

/** Those whose content is not the one that was applied last. */
export function changedRepeatables<T extends { path: string; sha256: string }>(
  files: readonly T[],
  applied: readonly { path: string; sha256: string }[],
): T[] {
  const known = new Map(applied.map((file) => [file.path, file.sha256]));
  return files.filter((file) => known.get(file.path) !== file.sha256);
}

/** True when all of it commits at once: then a failure leaves production exactly as it was. */
export function isSingleTransaction(runs: readonly Run[]): boolean {
  return runs.length <= 1 && runs.every((run) => run.transactional);
}
