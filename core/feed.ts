/** What a change feed tells, and where a reader stands in it: plain values, kept as JSON by whoever reads. */
import * as z from "zod";

export type ChangeKind = "insert" | "update" | "delete" | "truncate";

/** One change of one row, or of a whole table; it tells where to look, and the row itself is read where it stands. */
export interface FeedChange {
  /** Its place in the feed, as a decimal: within one delta the order of the changes. */
  position: string;
  schema: string;
  table: string;
  /** The primary key by its columns, each value as the server's text under the settings of our sessions; null for a truncate. */
  key: Record<string, string> | null;
  change: ChangeKind;
  /** When it was written, which is before it was committed. */
  at: Date;
}

const decimal = z.string().regex(/^(?:0|[1-9]\d*)$/);
const snapshot = z.string().regex(/^\d+:\d+:(?:\d+(?:,\d+)*)?$/);

/**
 * Where a reader stands: it has had every change that `snapshot` shows, and of those that `to` shows besides the ones up to
 * `position`. Snapshots are Postgres's own, so that what was committed late, with a small position, is not passed over.
 */
export const feedCursorSchema = z.strictObject({
  format: z.literal("rehearsal-cursor/1"),
  /** The server by its system identifier, and its timeline: another one gives the same numbers to other transactions. */
  server: decimal,
  timeline: z.number(),
  /** The database and the feed's table by their oids. */
  database: decimal,
  feed: decimal,
  /** Where the write-ahead log was, and was on disk, when the newest of the snapshots was taken. */
  lsn: z.string().regex(/^[0-9A-F]+\/[0-9A-F]+$/),
  /** Rows up to this position came with a restore, and are no changes of this database. */
  above: decimal,
  snapshot,
  /** There while a delta is read in pages. */
  to: snapshot.optional(),
  position: decimal.optional(),
});

export type FeedCursor = z.infer<typeof feedCursorSchema>;
