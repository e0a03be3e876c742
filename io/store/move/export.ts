/** A database becomes a store: every model's rows at one instant, in their files, with the place in the change feed to go on from. */
import { randomUUID } from "node:crypto";
import type { FeedCursor } from "../../../core/feed.ts";
import type { OnProgress } from "../../../core/progress.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { type ContentSum, Summed } from "../../../core/store/digest.ts";
import { pathColumns } from "../../../core/store/paths.ts";
import type { CopySession } from "../../postgres/copy.ts";
import { assertFollowed, currentCursor } from "../../postgres/feed.ts";
import type { Session } from "../../postgres/session.ts";
import { type Head, newHead, readHead } from "../head.ts";
import { tableOf } from "../model-statements.ts";
import type { Place } from "../place.ts";
import { atOneCut, type Cut, type CutOptions, shared } from "./cut.ts";
import { cursorOf, exportOf, hasCursor, notesOf } from "./export-notes.ts";
import { type FileGroup, fileGroups, partsOf, RowSource } from "./file-groups.ts";
import { modelRows, type RowBatch, TABLE_BYTES } from "./model-rows.ts";
import { NewFiles } from "./new-files.ts";
import { readPartitions, withPartitions } from "./partitions.ts";
import { type Claim, claimPlace } from "./place-claim.ts";
import { readSequences } from "./sequences.ts";

export interface ExportOptions extends CutOptions {
  /** Of whoever wants it, a task: asked again after it was done, the same one is given what was done. */
  id: string;
  /** Whose data it is, where an environment's: kept in the head, for whoever imports it. */
  of?: { environment: string; identity: string };
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
 * Writes the files, and the head last: until then there is a closed store without rows, and an export that died is begun anew. Throws
 * `StorePlaceTaken` where anything else lies, `StoreExportOvertaken` when another export has begun there since, `FeedMissing`,
 * `FeedIncomplete`, `StoreDocumentTooLarge`, and what `atOneCut` throws.
 */
export async function exportStore(options: ExportOptions): Promise<Exported> {
  const { place, id } = options;
  const earlier = await readHead(place);
  if (earlier !== undefined && exportOf(earlier.head.notes)?.id === id) return resultOf(earlier.head, place);
  return place.exclusively(async (held) => {
    const claim = await claimPlace(held, options.definition, { id, run: randomUUID() });
    options.passed?.("begun");
    const head = await atOneCut(options, (cut) => writeFiles(options, held, cut, claim));
    options.passed?.("files");
    await claim.finish(head);
    options.passed?.("head");
    return resultOf(head, place);
  });
}

/** All but the head, which is returned. */
async function writeFiles(options: ExportOptions, place: Place, cut: Cut, claim: Claim): Promise<Head> {
  const { definition, feed, id, of, connections = CONNECTIONS } = options;
  const { holder } = cut;
  if (feed !== undefined) await assertFollowed(holder, feed, definition.models);
  const cursor = feed === undefined ? null : await currentCursor(holder, feed);
  const sequences = await readSequences(holder, definition);
  const partitions = await readPartitions(holder, definition);
  const files = new NewFiles(place, definition);
  const told = new Told(options);
  const work = await largestFirst(holder, definition);
  // Whoever was overtaken stops writing soon, not at its end.
  const watch = setInterval(() => {
    claim.assertMine().catch((error: unknown) => cut.stop.abort(error));
  }, CLAIM_MILLISECONDS);
  try {
    await shared(cut, connections, work, (session, group) => exportGroup(cut, session, group, files, told));
    await files.settle();
  } finally {
    clearInterval(watch);
  }
  const { snapshot, takenAt } = cut;
  return newHead(definition, "following", {
    notes: withPartitions(
      notesOf({
        cursor,
        sequences,
        export: { id, takenAt, snapshot, ...(of && { of }), ...files.written, rows: told.rows },
      }),
      partitions,
    ),
    models: told.sums(),
  });
}

const CONNECTIONS = 4;
const CLAIM_MILLISECONDS = 2_000;

/** Models that meet in files are read side by side, each by a session of its own. */
async function exportGroup(
  cut: Cut,
  session: CopySession,
  { models, divided }: FileGroup,
  files: NewFiles,
  told: Told,
): Promise<void> {
  const others: CopySession[] = [];
  try {
    const sources: RowSource[] = [];
    for (const model of models) {
      let reader = session;
      if (divided && sources.length > 0) {
        reader = await cut.open();
        others.push(reader);
      }
      sources.push(new RowSource(model, modelRows(reader, model, pathColumns(model)), told.onBatch(model)));
    }
    // Where one file holds all, one source is read to its end before the next is begun.
    if (!divided) await files.addPart(sources);
    else for await (const part of partsOf(sources)) await files.addPart(part);
  } finally {
    await Promise.all(others.map((other) => other.close()));
  }
}

/** What was read so far: added up for the head, and told. */
class Told {
  rows = 0;
  #bytes = 0;
  #sums: Map<string, Summed>;
  #onProgress: OnProgress | undefined;

  constructor({ definition, onProgress }: ExportOptions) {
    this.#sums = new Map(definition.models.map(({ name }) => [name, new Summed()]));
    this.#onProgress = onProgress;
  }

  onBatch(model: StoreModel) {
    const summed = new Summed();
    this.#sums.set(model.name, summed);
    return ({ rows, bytes }: RowBatch) => {
      for (const { digest } of rows) summed.add(digest);
      this.rows += rows.length;
      this.#bytes += bytes;
      this.#onProgress?.({ done: { bytes: this.#bytes, rows: this.rows }, now: model.name });
    };
  }

  sums(): Record<string, ContentSum> {
    return Object.fromEntries([...this.#sums].map(([name, summed]) => [name, summed.sum()]));
  }
}

/** The groups of files by how much there is to read. */
async function largestFirst(holder: Session, definition: StoreDefinition): Promise<FileGroup[]> {
  const sized: { group: FileGroup; bytes: number }[] = [];
  for (const group of fileGroups(definition)) {
    let bytes = 0;
    for (const model of group.models)
      bytes += (await holder.query<{ bytes: number }>(TABLE_BYTES, [tableOf(model)]))[0]?.bytes ?? 0;
    sized.push({ group, bytes });
  }
  return sized.sort((one, other) => other.bytes - one.bytes).map(({ group }) => group);
}

function resultOf(head: Head, place: Place): Exported {
  const noted = exportOf(head.notes);
  if (noted === undefined) throw new Error("the head was not made by an export");
  const { takenAt, files, bytes, rows } = noted;
  const cursor = hasCursor(head.notes) ? cursorOf(head.notes, place.where) : null;
  return { head, cursor, takenAt, files, bytes, rows };
}
