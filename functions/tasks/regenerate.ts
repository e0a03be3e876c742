/** Regenerate: a record's documents made anew from its current payload, where they lie; older versions stay in the bucket. */
import type { Json } from "../../core/canonical-json.ts";
import { sha256 } from "../../core/digest.ts";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { quoteName } from "../../core/names.ts";
import type { DocumentDefinition, DocumentFormat } from "../../core/reporting/definition.ts";
import { parseExact } from "../../core/reporting/exact-json.ts";
import { featuresOf } from "../../core/reporting/features.ts";
import { layOut } from "../../core/reporting/laid-out.ts";
import {
  type ArtifactRow,
  type CurrentSnapshot,
  listStale,
  type MadeOutput,
  noteOutputs,
  oneRow,
  readArtifactRows,
  readSnapshots,
} from "../../io/postgres/documents.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { openVersionedBucket, type VersionedBucket } from "../../io/versioned-bucket.ts";
import { refuseFenced } from "../fenced.ts";
import { readDocumentOf } from "../reporting.ts";
import { assertStorage } from "../storage.ts";
import { openEnvironment, type TaskContext, type TaskWork } from "../task.ts";

/** Records whose rows are read at once. */
const BATCH = 50;
/** How often a record is begun again whose payload changed while its documents were made. */
const TRIES = 5;
/** Refusals that the outcome names; the others it counts. */
const NAMED = 100;
/** Characters of a payload that a document is made from at most. */
const LARGEST = 16 * 1024 ** 2;

export const regenerateTask: TaskWork<"regenerate"> = async (context) => {
  const { task, ledger, store, application, progress } = context;
  const { release, document: name, records } = task.input;
  const definition = await readDocumentOf(store, release, name);
  const of = task.environment ?? "";
  await refuseFenced(ledger, of);
  const { environment, address } = await openEnvironment(ledger, of, application);
  const { storage, patience: patienceSeconds, searchPath } = environment.policy;
  if (storage === undefined) throw new RehearsalError("StorageUnset", { environment: of });
  await assertStorage(environment.policy);
  const bucket = openVersionedBucket(storage.bucket);
  const session = await openSession(address, { application, patienceSeconds });
  const done = { records: 0, written: 0, unchanged: 0, refused: 0 };
  const refusals: { record: string; code: string; message: string }[] = [];
  const refuse = (record: string, error: unknown) => {
    if (!(error instanceof RehearsalError) || !OF_A_RECORD.has(error.code)) throw error;
    done.refused++;
    const { code, message } = toErrorRecord(error);
    if (refusals.length < NAMED) refusals.push({ record, code, message });
  };
  try {
    // What the application's triggers call is found as the application finds it.
    await session.execute(`set search_path = ${searchPath.map(quoteName).join(", ")}`);
    const place = { session, bucket, root: storage.root, definition };
    for await (const batch of batches(session, definition, records)) {
      await refuseFenced(ledger, of);
      for (const one of await readBatch(place, batch, refuse)) {
        done.records++;
        try {
          const { written, unchanged } = await regenerate(context, place, one);
          done.written += written;
          done.unchanged += unchanged;
        } catch (error) {
          refuse(one.snapshot.record, error);
        }
        progress({ done: { bytes: 0, rows: done.records }, now: `record ${one.snapshot.record}` });
      }
    }
  } finally {
    bucket.close();
    await session.close();
  }
  return { outcome: { document: name, release, ...done, refusals } as unknown as Json };
};

/** What is wrong with one record is no reason to leave the others as they are. */
const OF_A_RECORD: ReadonlySet<string> = new Set([
  "SnapshotDamaged",
  "SnapshotMissing",
  "PayloadUnfit",
  "ArtifactUnclear",
  "ArtifactKeyRefused",
  "DocumentChanging",
  "ObjectContended",
]);

interface Place {
  session: Session;
  bucket: VersionedBucket;
  /** Stands before every key. */
  root: string;
  definition: DocumentDefinition;
}

interface Record {
  snapshot: CurrentSnapshot;
  /** Of each output. */
  rows: ArtifactRow[];
}

/** Those that are named, one by one, or all that are stale, by their keys: whoever begins again finds what is left. */
async function* batches(
  session: Session,
  definition: DocumentDefinition,
  records: readonly string[] | null,
): AsyncGenerator<readonly string[]> {
  if (records !== null) {
    for (const record of new Set(records)) yield [record];
    return;
  }
  for (let after: string | undefined; ; ) {
    const stale = await listStale(session, definition, { after, limit: BATCH });
    if (stale.length > 0) yield stale;
    if (stale.length < BATCH) return;
    after = stale.at(-1);
  }
}

async function readBatch(
  { session, definition }: Place,
  names: readonly string[],
  refuse: (record: string, error: unknown) => void,
): Promise<Record[]> {
  const snapshots = await readNamed(session, definition, names);
  for (const name of names)
    if (!snapshots.some(({ record }) => record === name) && !(names.length === 1 && snapshots.length === 1))
      refuse(name, new RehearsalError("SnapshotMissing", { document: definition.name, record: name }));
  const found = snapshots.map(({ record }) => record);
  const rows = found.length === 0 ? [] : await readArtifactRows(session, definition, found);
  return snapshots.flatMap((snapshot) => {
    try {
      return [{ snapshot, rows: rows.map((of, at) => oneRow(definition, snapshot.record, at, of)) }];
    } catch (error) {
      refuse(snapshot.record, error);
      return [];
    }
  });
}

/** A name that is no key of the column's type names no record. */
async function readNamed(
  session: Session,
  definition: DocumentDefinition,
  names: readonly string[],
): Promise<CurrentSnapshot[]> {
  try {
    return await readSnapshots(session, definition, names);
  } catch (error) {
    const { sqlstate = "" } = error instanceof RehearsalError ? (error.facts as { sqlstate?: string }) : {};
    if (/^22(P02|003|007|008)$/.test(sqlstate)) return [];
    throw error;
  }
}

/** The objects first, then their rows: a death in between leaves rows that are stale, and the next run finds the objects right. */
async function regenerate(
  { attempt, passed }: TaskContext<"regenerate">,
  place: Place,
  { snapshot: first, rows }: Record,
): Promise<{ written: number; unchanged: number }> {
  const { session, bucket, root, definition } = place;
  let snapshot: CurrentSnapshot | undefined = first;
  for (let tries = 1; tries <= TRIES && snapshot !== undefined; tries++) {
    const outputs = await make(definition, snapshot);
    let written = 0;
    const made: MadeOutput[] = [];
    for (const [output, { format, bytes }] of outputs.entries()) {
      const key = rows[output]?.key ?? "";
      const { done } = await bucket.replace(root + key, bytes, CONTENT_TYPES[format]);
      if (done === "written") written++;
      made.push({ output, key, sha256: sha256(bytes), bytes: bytes.length });
    }
    passed("stored");
    const { actual } = snapshot;
    const noted =
      made.every((one, at) => isNoted(rows[at], one, actual)) ||
      (await noteOutputs(session, definition, { by: attempt, snapshot, made }));
    if (noted) {
      passed("committed");
      return { written, unchanged: made.length - written };
    }
    [snapshot] = await readSnapshots(session, definition, [first.record]);
  }
  throw new RehearsalError("DocumentChanging", { document: definition.name, record: first.record });
}

function isNoted(row: ArtifactRow | undefined, made: MadeOutput, payload: string): boolean {
  return row?.sha256 === made.sha256 && Number(row.bytes) === made.bytes && row.madeFrom === payload;
}

const CONTENT_TYPES: { [F in DocumentFormat]: string } = {
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  geojson: "application/geo+json",
};

/** Every output's bytes; throws `SnapshotDamaged` and `PayloadUnfit`. */
async function make(
  definition: DocumentDefinition,
  { record, payload, sealed, actual }: CurrentSnapshot,
): Promise<{ format: DocumentFormat; bytes: Uint8Array }[]> {
  const of = { document: definition.name, record };
  if (sealed !== actual)
    throw new RehearsalError("SnapshotDamaged", { ...of, expected: sealed ?? "no checksum", actual });
  const unfit = (problem: string) => new RehearsalError("PayloadUnfit", { ...of, problem });
  if (payload.length > LARGEST) throw unfit(`its payload has more than ${LARGEST} characters`);
  const value = parseExact(payload);
  if (value === undefined) throw unfit("its payload is nested too deeply");
  const outputs: { format: DocumentFormat; bytes: Uint8Array }[] = [];
  for (const { format } of definition.document.outputs) {
    const made = await makeOne(format, definition, value.json);
    if ("problem" in made) throw unfit(made.problem);
    outputs.push({ format, bytes: made });
  }
  return outputs;
}

/** The libraries are read when a document first needs them. */
async function makeOne(
  format: DocumentFormat,
  definition: DocumentDefinition,
  payload: unknown,
): Promise<Uint8Array | { problem: string }> {
  if (format === "geojson") {
    const features = featuresOf(definition, payload);
    return "problem" in features ? features : Buffer.from(features.text);
  }
  const laid = layOut(definition, payload);
  if (format === "pdf") return (await import("../../io/reporting/pdf.ts")).makePdf(laid);
  return (await import("../../io/reporting/docx.ts")).makeDocx(laid);
}
