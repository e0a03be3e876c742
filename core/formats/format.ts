/** What a format is: where a tool keeps its migrations, in which order they run, and what of each file is run. */
import type { SqlSource } from "../sql-source.ts";

/** The words of `format:` in rehearsal.yaml. */
export const FORMAT_NAMES = [
  "native",
  "dbmate",
  "flyway",
  "golang-migrate",
  "goose",
  "prisma",
  "drizzle",
  "sqitch",
  "graphile-migrate",
  "node-pg-migrate",
  "timestamped",
] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];

/** A file of a project, by its path relative to the project's folder. */
export interface FormatFile {
  path: string;
  bytes: Uint8Array;
}

/** Where a format's files stand. */
export interface Layout {
  /** The folder when rehearsal.yaml names none; "." is the project's own. */
  folder: string;
  /** Which files belong to it, by their path inside the folder. */
  file: RegExp;
  /** The entries of the folder that belong to it; all of them when left out. */
  entries?: readonly string[];
  /** Files may stand in folders below. */
  deep?: true;
  /** In words, for a refusal. */
  wanted: string;
}

/**
 * How a file meets transactions. `one`: it runs in a transaction. `none`: it said that it does not. `alone`: a file of
 * nothing but statements that cannot run inside one runs outside, and one BEGIN and COMMIT around it are its tool's habit.
 * `autocommit`: its tool opens none, so that any statement that cannot run inside one takes the whole file outside.
 */
export type TransactionHabit = "one" | "none" | "alone" | "autocommit";

/** A migration as its format shows it, before its SQL is understood. */
export interface FoundMigration {
  /** The version as the tool writes it: "20240101120000". */
  key: string;
  /** What it does: "add_speakers". */
  name: string;
  /** The file; of its text only what is run is left, in its place, and the rest is blank. */
  source: SqlSource;
  transaction: TransactionHabit;
}

export interface Sequence {
  /** In the order in which the tool runs them. */
  migrations: FoundMigration[];
  /** Files that run whenever they have changed, in order. */
  repeatables: FoundMigration[];
  /** What somebody should know who thinks the folder holds more: files that are left out, an order that surprises. */
  notes: string[];
}

/** What makes the next migration: its words as `add_speakers`, the paths that are there, the moment. */
export interface NextRequest {
  name: string;
  folder: string;
  paths: readonly string[];
  now: Date;
  /** What it is to run; empty for one that somebody will write. */
  sql: string;
}

export interface Format {
  layout: Layout;
  /** How a file says that it runs outside a transaction, to stand behind "that". */
  outside: string;
  /** Reads the files below the folder; throws a coded error for a sequence that its tool would not run either. */
  read(files: readonly FormatFile[], folder: string): Sequence;
  /** The next migration's files; or the command of the tool that has to make it. */
  next: ((request: NextRequest) => { path: string; text: string }[]) | { tool: string };
}

/** A path inside the folder: `add.sql` of `db/migrations/add.sql`. */
export function inside(folder: string, path: string): string {
  return folder === "." ? path : path.slice(folder.length + 1);
}

/** The path of something inside the folder. */
export function below(folder: string, path: string): string {
  return folder === "." ? path : `${folder}/${path}`;
}

/** The last segment of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
