/** What a store remembers of the database that it came from: the place in the feed, what the sequences had given away, and the export itself. */
import * as z from "zod";
import type { Json } from "../../../core/canonical-json.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { type FeedCursor, feedCursorSchema } from "../../../core/feed.ts";
import type { Notes } from "../head.ts";

/** The notes of the move, by their names. */
const CURSOR = "cursor";
const SEQUENCES = "sequences";
const EXPORT = "export";

const sequence = z.strictObject({
  model: z.string(),
  column: z.string(),
  /** last_value, as text: it may be beyond what a number holds. */
  last: z.string().regex(/^-?\d+$/),
  called: z.boolean(),
});

const exported = z.strictObject({
  /** Of whoever wanted it; the same one again finds that it is done. */
  id: z.string(),
  /** By the server's clock, ISO 8601 in UTC. */
  takenAt: z.string(),
  snapshot: z.string(),
  /** Whose data it is: the environment's name, and the identity that its database carries. */
  of: z.strictObject({ environment: z.string(), identity: z.string() }).optional(),
  files: z.int(),
  bytes: z.int(),
  rows: z.int(),
});

export type NotedSequence = z.infer<typeof sequence>;
export type NotedExport = z.infer<typeof exported>;

export interface ExportNotes {
  /** Null for a store that cannot follow. */
  cursor: FeedCursor | null;
  sequences: NotedSequence[];
  export: NotedExport;
}

export function notesOf({ cursor, sequences, export: what }: ExportNotes): Notes {
  return {
    ...(cursor !== null && { [CURSOR]: cursor as unknown as Json }),
    [SEQUENCES]: sequences as unknown as Json,
    [EXPORT]: what as unknown as Json,
  };
}

/** Undefined for a store that no export made. */
export function exportOf(notes: Notes): NotedExport | undefined {
  return notes[EXPORT] === undefined ? undefined : exported.parse(notes[EXPORT]);
}

/** None for a store that no export made. */
export function sequencesOf(notes: Notes): NotedSequence[] {
  return notes[SEQUENCES] === undefined ? [] : z.array(sequence).parse(notes[SEQUENCES]);
}

/** Whether the store can follow its database. */
export function hasCursor(notes: Notes): boolean {
  return notes[CURSOR] !== undefined;
}

/** Throws `StoreNotFollowed` where there is none. */
export function cursorOf(notes: Notes, place: string): FeedCursor {
  if (notes[CURSOR] === undefined) throw new RehearsalError("StoreNotFollowed", { place });
  return feedCursorSchema.parse(notes[CURSOR]);
}

/** The notes with the cursor moved on. */
export function withCursor(notes: Notes, cursor: FeedCursor): Notes {
  return { ...notes, [CURSOR]: cursor as unknown as Json };
}
