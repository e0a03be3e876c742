/** What another tool's table says was applied to a database: each row as a claim about a file of the project. */

import type { Claim } from "../../../core/adoption.ts";
import type { OwnedObjects } from "../../../core/adoption-shape.ts";
import type { FormatFile } from "../../../core/formats/format.ts";
import type { HistoryTable } from "../../../core/formats/history-tools.ts";
import type { Session } from "../session.ts";

/** A file of the project as histories speak of it. */
export interface HistoryFile {
  /** The version as its tool writes it. */
  key: string;
  path: string;
  bytes: Uint8Array;
}

export interface HistoryContext {
  /** In the order of the sequence. */
  migrations: readonly HistoryFile[];
  /** Those that run whenever they change. */
  repeatables: readonly HistoryFile[];
  /** All files of the release: a tool's own books stand among them. */
  files: readonly FormatFile[];
}

export interface HistoryReader extends HistoryTable {
  /** Columns without which it is not this tool's. */
  columns: readonly string[];
  /** Reads the table, whose name comes quoted. */
  read(session: Session, table: string, context: HistoryContext): Promise<Claim[]>;
}

/** What a reader's table takes up in the shape: the tool's own schema, or the table with what hangs on it. */
export function ownedBy(reader: HistoryReader, found: { schema: string; table: string }): OwnedObjects {
  return reader.schema === found.schema ? { schema: found.schema } : found;
}

/** The files by what their tool calls them: a project may have ten thousand. */
export function byKey(
  files: readonly HistoryFile[],
  plain: (key: string) => string = (key) => key,
): ReadonlyMap<string, HistoryFile> {
  return new Map(files.map((file) => [plain(file.key), file]));
}

/** A claim about the file that has the key, if one has. */
export function claimOf(told: string, file: HistoryFile | undefined, rest: Partial<Claim> = {}): Claim {
  return { told, ...(file !== undefined && { path: file.path }), ...rest };
}
