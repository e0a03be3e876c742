/** What came of an import from SQLite, table by table: what it tells people and programs of it. FORMATS.md has the bytes. */
import type { ContentSum } from "./content-sum.ts";

/** Refused values that are listed of a table; the others are counted. */
export const LISTED = 1_000;

export interface RefusedValue {
  /** How the row is found in SQLite. */
  row: string;
  /** Of SQLite's table; none where the whole row is refused. */
  column?: string;
  /** Without the value, which may be anybody's. */
  reason: string;
}

/**
 * `loaded`: it was empty and holds the file's rows. `unchanged`: it held them before. `other-rows`: it holds others. `refused`:
 * values or rows have no place in it. `differs`: what it held after the load was not what the file has. `not-loaded`: nothing
 * is wrong with it, but all or none come over.
 */
export type TableStatus = "loaded" | "unchanged" | "other-rows" | "refused" | "differs" | "not-loaded";

export interface ImportedTable {
  table: string;
  /** Quoted and qualified. */
  into: string;
  status: TableStatus;
  /** By the file. */
  sqlite: ContentSum;
  /** By Postgres; null where it was not asked. */
  postgres: ContentSum | null;
  /** Columns that hold other values than the file's, where it differs. */
  differing?: string[];
  /** Rows of migrations that gave way. */
  replaced?: number;
  /** How many values were refused; the first of them are listed. */
  refused: number;
  refusals: RefusedValue[];
  columns: { from: string; into: string; type: string }[];
  left: { column: string; reason: string }[];
}

export interface SqliteReport {
  format: "rehearsal-sqlite-import/1";
  import: string;
  /** The release whose mapping was used. */
  release: string;
  environment: string;
  task: string;
  file: { name: string; bytes: number };
  /** False where nothing was written. */
  imported: boolean;
  tables: ImportedTable[];
  left: { table: string; reason: string }[];
  /** Of the file; the migrations make those of Postgres. */
  views: string[];
}
