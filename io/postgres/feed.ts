/** Reads a change feed in the order of commits: a reader's cursor is a snapshot, so that no change is missed and none is waited for. */
import type { FeedChange, FeedCursor } from "../../core/feed.ts";
import type { Session } from "./session.ts";

export interface Delta {
  /** In the order of their positions: what was done to one row is told in the order in which it was done. */
  changes: FeedChange[];
  /** What to read from next; keep it in the same act as what was made of the changes. */
  cursor: FeedCursor;
  /** True when the cursor stands at a snapshot again: what was read up to here is everything of a consistent cut, and nothing behind it. */
  complete: boolean;
}

/**
 * The cursor at this very moment: whatever the transaction's snapshot shows lies before it, whatever it does not show will be read.
 * For an export: in a transaction that is `isolation level repeatable read, read only`. `feed` is the feed's table, as `public.changes`.
 * Throws `FeedMissing` and `FeedOnStandby`.
 */
export async function currentCursor(_session: Session, _feed: string): Promise<FeedCursor> {
  throw new Error("to be written");
}

/**
 * What came behind the cursor, at most `limit` changes (1 to 10,000) of one delta. A delta begins with a cursor that has no `to`, and
 * shows what the snapshot of that moment does: inside one repeatable read, read only transaction all its pages are of that snapshot,
 * and rows that are read beside them are as the last of the changes left them. Throws `FeedCursorForeign`, `FeedCursorExpired`.
 */
export async function readChanges(
  _session: Session,
  _feed: string,
  _cursor: FeedCursor,
  _limit: number,
): Promise<Delta> {
  throw new Error("to be written");
}

export interface FeedLag {
  /** Committed changes behind the cursor. */
  changes: number;
  /** When the first of them was written; null when there is none. */
  since: Date | null;
  /** Transactions of this database that are prepared and may yet commit changes. Others end with their sessions. */
  prepared: number;
}

/** How far a reader is behind. Throws as `readChanges` does. */
export async function lagOf(_session: Session, _feed: string, _cursor: FeedCursor): Promise<FeedLag> {
  throw new Error("to be written");
}

/**
 * Deletes changes that the reader of this cursor, which has to be the slowest, needs no more; or those that are older than so many days,
 * whoever has not read them. What was forgotten is remembered: a cursor that would miss some of it is refused from then on. In slices of
 * 10,000, each its own transaction; returns how many went. What transactions wrote that are as old as an open one waits for that one's end.
 */
export async function forgetChanges(
  _session: Session,
  _feed: string,
  _before: FeedCursor | { days: number },
): Promise<number> {
  throw new Error("to be written");
}

/** Throws `FeedIncomplete` unless the feed is told of every change of these tables, by triggers that are there and enabled, also on their partitions. */
export async function assertFollowed(
  _session: Session,
  _feed: string,
  _tables: readonly { schema: string; table: string }[],
): Promise<void> {
  throw new Error("to be written");
}
