/** A store follows its database: what the change feed tells is read where it stands, and put, each change once. */
import type { FeedCursor } from "../../../core/feed.ts";
import type { FeedLag } from "../../postgres/feed.ts";
import type { Session } from "../../postgres/session.ts";
import type { JsonStore } from "../json-store.ts";

export interface SyncOptions {
  /** Not in a transaction. */
  session: Session;
  /** Open as `follower`. */
  store: JsonStore;
  /** The feed's table, as `public.changes`. */
  feed: string;
  /** Asked between pages; without it, on to the end. */
  mayGoOn?: () => boolean;
  /** Changes read so far in this call. */
  onProgress?: (changes: number) => void;
  /** Told of `read` and `applied`, for each page. */
  passed?: (point: string) => void;
}

export interface Synced {
  /** Changes of the feed that were read. */
  changes: number;
  /** Rows that were put and deleted; one that changed often is put once a page. */
  put: number;
  deleted: number;
  /** Rows that dual writers had left in doubt and that are as in the database again. */
  settled: number;
  /** True when the store holds what the database did at one instant; false when `mayGoOn` said no before. */
  complete: boolean;
  cursor: FeedCursor;
  /** Behind the cursor when all was done. */
  lag: FeedLag;
}

/**
 * Brings the store to what the database holds at the beginning of this call. Dying at any point, or running twice at once, loses
 * and doubles nothing: cursor and rows are one commit. Throws `StoreNotFollowed` for a store exported without a feed,
 * `StoreSyncOvertaken` when another sync came between, and what the feed throws.
 */
export async function syncOnce(_options: SyncOptions): Promise<Synced> {
  throw new Error("not yet");
}
