/** A table of a SQLite database, as its schema says. */

export interface SqliteColumn {
  name: string;
  /** As it was declared; SQLite holds nobody to it. */
  declared: string;
  generated: boolean;
}

export interface SqliteTable {
  name: string;
  /** `virtual` keeps its rows in `shadow` ones, or nowhere: an index of full text. */
  kind: "table" | "virtual" | "shadow";
  columns: SqliteColumn[];
  /** The primary key's columns. */
  key: string[];
  /** The name under which the rowid can be asked for; a table may have none. */
  rowid?: string;
  /** The last number that AUTOINCREMENT gave. */
  sequence?: bigint;
}
