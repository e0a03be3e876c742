/** The course of an import of files: records are read ahead, written in batches, and told; what is done is kept, so that another attempt goes on behind it. */

import { RehearsalError } from "../core/errors.ts";
import { layoutOf } from "../core/import/layout.ts";
import type { ImportMapping } from "../core/import/mapping.ts";
import type { Refusal } from "../core/import/refused.ts";
import { disagreementLine, type ImportSummary, refusedLine, unreadLine } from "../core/import/report.ts";
import { describeSource } from "../core/import/source.ts";
import type { StagedRecord } from "../core/import/staged.ts";
import { ahead, oneAhead } from "../io/import/ahead.ts";
import { type ReadRecord, type RecordMedia, readRecord } from "../io/import/read-record.ts";
import { type FoundRecord, recordsOf, type Stray } from "../io/import/records.ts";
import type { FileSource } from "../io/import/source.ts";
import type { ImportPosition, TaskAttempt, TaskOf } from "../io/ledger/tasks.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { type Importer, SomeRefused } from "../io/postgres/import/importer.ts";
import type { CommitTurn } from "./commit-turn.ts";
import { ImportReport } from "./import-report.ts";
import type { TaskContext } from "./task.ts";

/** The attempt that does it. */
type ImportRun = Pick<TaskContext<"import-files">, "store" | "passed" | "progress" | "mayGoOn"> & {
  task: Pick<TaskOf<"import-files">, "id" | "input" | "facts">;
  attempt: Pick<TaskAttempt, "attempt">;
};

interface ImportParts {
  mapping: ImportMapping;
  source: FileSource;
  importer: Importer;
  /** Where media go; without it the mapping has none. */
  media: { store: ObjectStore; root: string } | undefined;
  /** Asked before each batch; throws when nothing may be written now. */
  assertFree(): Promise<void>;
  /** Of what each batch commits. */
  turn: CommitTurn;
  /** Writes where the import is into the ledger. */
  keep(position: ImportPosition): Promise<void>;
}

/** Records that are read before their turn, and the bytes of them all. */
const AHEAD = { most: 24, weight: 48 * 1024 ** 2 };
/** What makes a batch full, whichever comes first. */
const BATCH = { records: 250, rows: 10_000, bytes: 16 * 1024 ** 2 };
/** Milliseconds between two notes of where it is. */
const KEEP_EVERY = 20_000;
/** Objects that are put at once. */
const PUTS = 16;

/** Imports what is left; `more` when the time was over before the end. */
export async function importFiles(
  context: ImportRun,
  parts: ImportParts,
): Promise<{ more: true } | { summary: ImportSummary; files: ImportPosition["report"]["parts"] }> {
  const { mapping, source, importer } = parts;
  const { input, facts } = context.task;
  const layout = layoutOf(mapping);
  const position = structuredClone(facts.position) ?? beginning(layout.map(({ name }) => name));
  const report = new ImportReport(context, position.report);
  let kept = performance.now();
  const keep = async () => {
    position.report = await report.keep();
    await parts.keep(position);
    kept = performance.now();
  };
  const listed = source.list(position.after === null ? undefined : `${position.after}\u{10FFFF}`);
  const read = ahead(
    recordsOf(mapping, listed),
    { ...AHEAD, weigh: (found) => weightOf(found, mapping) },
    async (found) => ("stray" in found ? found : readRecord(mapping, layout, source, found)),
  );
  for await (const batch of oneAhead(batches(read))) {
    await parts.assertFree();
    await writeBatch(batch);
    const last = batch.findLast((one): one is ReadRecord => "folder" in one);
    if (last !== undefined) position.after = last.folder;
    context.passed("batch");
    if (!context.mayGoOn()) {
      await keep();
      return { more: true };
    }
    if (performance.now() - kept > KEEP_EVERY) await keep();
  }
  const { parts: files, untold } = await report.keep();
  const done = input.dryRun ? undefined : await importer.readDone();
  const rows = Object.entries(position.rows).map(([name, { staged, inserted, updated }]) => {
    // Of an attempt that died between COMMIT and its note the database itself tells.
    const told = done?.get(name) ?? { inserted, updated };
    return [name, { ...told, unchanged: staged - told.inserted - told.updated }] as const;
  });
  const { records, media, disagreements, unread } = position;
  return {
    files,
    summary: {
      ...{
        import: mapping.name,
        release: input.release,
        source: describeSource(input.source),
        dryRun: input.dryRun,
      },
      records: { ...records, read: records.imported + records.refused },
      rows: Object.fromEntries(rows),
      ...{ media, disagreements, unread, untold },
    },
  };

  async function writeBatch(batch: readonly (ReadRecord | Stray)[]): Promise<void> {
    const whole = batch.filter((one): one is ReadRecord => "folder" in one);
    const byStaged = new Map(whole.flatMap((one) => (one.staged ? [[one.staged, one] as const] : [])));
    // What was settled once is, when some of the batch have to be tried again.
    const settled: Settled = new Map();
    const write = importer.write([...byStaged.keys()], async (records, areNew) => {
      const media = records.flatMap((record) =>
        (byStaged.get(record)?.media ?? []).map((file) => ({ record, ...file })),
      );
      await storeMedia(parts, media, settled, { dryRun: input.dryRun, areNew });
      // Rows and objects are there, and neither is promised yet.
      context.passed("stored");
      await parts.turn.take();
    });
    const written = await write.finally(() => parts.turn.give());
    for (const [index, set] of layout.entries()) {
      const counts = position.rows[set.name] ?? { staged: 0, inserted: 0, updated: 0 };
      counts.inserted += written.inserted[index] ?? 0;
      counts.updated += written.updated[index] ?? 0;
      for (const record of byStaged.keys())
        if (!written.refused.has(record)) counts.staged += record.rows[index]?.length ?? 0;
      position.rows[set.name] = counts;
    }
    for (const one of batch) {
      if ("stray" in one) {
        position.unread++;
        await report.tell(unreadLine(one.stray, one.reason));
      } else await tellRecord(one, one.refusal ?? (one.staged && written.refused.get(one.staged)), settled);
    }
    for (const { record, set, columns } of written.disagreed)
      for (const { name, record: theirs, database } of columns) {
        position.disagreements++;
        const place = `${set.rows.table}.${name}`;
        const values = [
          { path: record.folder, at: place, value: theirs },
          { path: "database", at: place, value: database },
        ];
        await report.tell(disagreementLine(record.folder, { what: place, values }));
      }
    const { imported, refused } = position.records;
    context.progress({
      done: { bytes: position.bytes, rows: imported + refused },
      now: whole.at(-1)?.folder ?? "",
    });
  }

  async function tellRecord(
    { folder, media, disagreements, unread, bytes }: ReadRecord,
    refusal: Refusal | undefined,
    settled: Settled,
  ): Promise<void> {
    position.bytes += bytes;
    if (refusal !== undefined) {
      position.records.refused++;
      await report.tell(refusedLine(folder, refusal));
      return;
    }
    position.records.imported++;
    for (const one of media) {
      position.media[settled.get(one.key) ?? "present"]++;
      position.media.bytes += one.bytes;
    }
    position.disagreements += disagreements.length;
    for (const one of disagreements) await report.tell(disagreementLine(folder, one));
    position.unread += unread.length;
    for (const path of unread) await report.tell(unreadLine(path, "the mapping does not name it"));
  }
}

function beginning(sets: readonly string[]): ImportPosition {
  return {
    after: null,
    records: { imported: 0, refused: 0 },
    rows: Object.fromEntries(sets.map((name) => [name, { staged: 0, inserted: 0, updated: 0 }])),
    media: { stored: 0, present: 0, bytes: 0 },
    disagreements: 0,
    unread: 0,
    bytes: 0,
    report: { parts: [], lines: 0, untold: 0 },
  };
}

/** What a record takes in memory: its documents, which are not larger than their limit. */
function weightOf(found: FoundRecord | Stray, { limits }: ImportMapping): number {
  if ("stray" in found) return 0;
  return found.files.reduce((sum, { size }) => sum + Math.min(size, limits.document), 0);
}

async function* batches(read: AsyncIterable<ReadRecord | Stray>): AsyncGenerator<(ReadRecord | Stray)[]> {
  let batch: (ReadRecord | Stray)[] = [];
  let [rows, bytes] = [0, 0];
  for await (const one of read) {
    batch.push(one);
    if ("folder" in one) {
      rows += one.staged?.rows.reduce((sum, set) => sum + set.length, 0) ?? 0;
      bytes += one.bytes;
    }
    if (batch.length < BATCH.records && rows < BATCH.rows && bytes < BATCH.bytes) continue;
    yield batch;
    batch = [];
    [rows, bytes] = [0, 0];
  }
  if (batch.length > 0) yield batch;
}

/** By their keys: whether an object was stored, or was there. */
type Settled = Map<string, "stored" | "present">;

/** Puts the objects of records whose rows hold, unless they are settled. Throws `SomeRefused`. */
async function storeMedia(
  { media, source }: ImportParts,
  wanted: readonly (RecordMedia & { record: StagedRecord })[],
  settled: Settled,
  { dryRun, areNew }: { dryRun: boolean; areNew: boolean },
): Promise<void> {
  const refused = new Map<StagedRecord, Refusal>();
  const next = wanted.filter(({ key }) => !settled.has(key)).values();
  const putSome = async () => {
    for (const { record, file, key, sha256, bytes, contentType } of next) {
      if (media === undefined) throw new Error("the door has let in media without a place for them");
      const content = { size: bytes, sha256, open: () => source.read(file), isNew: areNew };
      try {
        const present = dryRun
          ? await media.store.holds(media.root + key, content)
          : (await media.store.putStreamOnce(media.root + key, content, { contentType })).outcome ===
            "present";
        settled.set(key, present ? "present" : "stored");
      } catch (error) {
        if (!(error instanceof RehearsalError) || error.code !== "ObjectConflict") throw error;
        const reason = `other bytes are kept under its key "${key}"`;
        refused.set(record, { code: "ImportMediaRefused", path: file.path, at: key, reason });
      }
    }
  };
  await Promise.all(Array.from({ length: PUTS }, putSome));
  if (refused.size > 0) throw new SomeRefused(refused);
}
