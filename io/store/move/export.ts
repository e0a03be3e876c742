/** A database becomes a store: every model's rows at one instant, in their files, with the place in the change feed to go on from. */
import type { FeedCursor } from "../../../core/feed.ts";
import type { OnProgress } from "../../../core/progress.ts";
import type { StoreDefinition } from "../../../core/store/definition.ts";
import type { Head } from "../head.ts";
import type { Place } from "../place.ts";
import type { CutOptions } from "./cut.ts";

export interface ExportOptions extends CutOptions {
  definition: StoreDefinition;
  /** Empty, or left by an export that did not end. It is not closed. */
  place: Place;
  /** The feed's table, as `public.changes`; without it the store cannot follow the database afterwards. */
  feed?: string | undefined;
  /** Sessions that read at once; 4 when not given. Models that share files by their rows are read by a session each. */
  connections?: number;
  onProgress?: OnProgress;
  /** Told of `begun`, `files` (all but the head is there) and `head`. */
  passed?: (point: string) => void;
}

export interface Exported {
  head: Head;
  /** Null without a feed. */
  cursor: FeedCursor | null;
  /** By the server's clock, ISO 8601 in UTC. */
  takenAt: string;
  files: number;
  bytes: number;
  rows: number;
}

/**
 * Writes the files, and the head last: a place without a head is no store, and an export that died is begun anew. Throws
 * `StorePlaceTaken` where anything else lies, `StoreExportOvertaken` when another export has begun there since, `FeedMissing`,
 * `FeedIncomplete`, `StoreDocumentTooLarge`, and what `atOneCut` throws.
 */
export async function exportStore(_options: ExportOptions): Promise<Exported> {
  throw new Error("not yet");
}
