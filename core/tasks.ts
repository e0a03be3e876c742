/** The words of tasks: work that is too long for a request and belongs to no promotion. Each kind is at once the handler's file and the name in the log. */

import type { HistoryTool } from "./formats/history-tools.ts";
import type { ImportSourceName } from "./import/source.ts";
import type { RetentionClass } from "./retention.ts";
import type { StorePlace } from "./stores.ts";

export const TASKS = [
  "back-up",
  "verify",
  "restore",
  "expire",
  "export",
  "replay",
  "adopt",
  "baseline",
  "squash",
  "import-files",
  "import-sqlite",
  "report",
  "regenerate",
  "prune-test",
  "store-dump",
  "store-export",
  "store-sync",
  "store-verify",
  "store-import",
  "store-cutover",
] as const;

export type TaskKind = (typeof TASKS)[number];

/** Where a task stands; the last two are ends. */
export const TASK_STATUSES = ["created", "running", "succeeded", "failed"] as const;

export type TaskStatus = (typeof TASK_STATUSES)[number];

export function isTaskEnded(status: TaskStatus): boolean {
  return status === "succeeded" || status === "failed";
}

export const EXPORT_FORMATS = ["custom", "directory"] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What each kind is asked for, besides the environment and the backup that its row names. */
export interface TaskInputs {
  /** `backup`: the id the backup will have; `base`: the backup it builds on. */
  "back-up": { backup: string; base?: string; retention: RetentionClass };
  /** With `restore` a database is made of it and compared; without, every object is read. */
  verify: { restore: boolean };
  /** `to`: the name of a new database; `over`: the environment whose database is replaced; `tablespaces`: by the backup's name of one, what takes its place. */
  restore: ({ to: string } | { over: string }) & { tablespaces?: Record<string, string> };
  expire: Record<never, never>;
  export: { format: ExportFormat };
  /** `release`: the whole hash. */
  replay: { release: string };
  /** `tool`: whose history is read, the release's format when left out; `baseline`: the last migration that is there, where no history says. */
  adopt: { release: string; tool?: HistoryTool; baseline?: string };
  baseline: Record<never, never>;
  /** Whole hashes of the release with the originals, and of the one with the squash. */
  squash: { before: string; after: string };
  /** `release`: the whole hash of the one whose mapping `import` names; with `dryRun` everything is tried, and nothing stays. */
  "import-files": { release: string; import: string; source: ImportSourceName; dryRun: boolean };
  /** `release`: the whole hash of the one whose mapping `import` is; `file`: which of the source's, where it has several. */
  "import-sqlite": {
    release: string;
    import: string;
    source: ImportSourceName;
    file?: string;
    dryRun: boolean;
  };
  /** `release`: the whole hash of the one whose report it is. */
  report: { release: string; report: string };
  /** `records`: which; all whose documents are not of their current payload where it is null. */
  regenerate: { release: string; document: string; records: string[] | null };
  /** `policy` of the release that `release` is the whole hash of; at most so many `records` of its backlog. */
  "prune-test": { policy: string; release: string; records?: number };
  /** `release`: the whole hash of the one whose models are counted. */
  "store-dump": { release: string };
  /** `store`: the id that it has; `release`: the whole hash of the one whose store.yaml it goes by; `feed`: the table that it is to follow by. */
  "store-export": { store: string; release: string; place: StorePlace; feed: string | null };
  /** It goes on for `seconds` after it has caught up; 0 ends then. With `forget` the feed loses what was read by then. */
  "store-sync": { store: string; seconds: number; forget: boolean };
  "store-verify": { store: string };
  /** `release`: the whole hash of the one that the environment runs; `of`: whose data it may be, where that is not the environment's own. */
  "store-import": { release: string; place: StorePlace; of?: string };
  /**
   * `back`: the database counts again; with `overwrite` also where somebody has written to it behind the fence, with `abandon`
   * without what the store holds, which is lost, or named all the same.
   */
  "store-cutover": { store: string; back: boolean; overwrite?: true; abandon?: "lost" | "named" };
}
