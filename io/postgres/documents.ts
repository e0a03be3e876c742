/** The rows that documents are made from and those that say where they lie: read in batches, and changed in a transaction that is an act. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteName } from "../../core/names.ts";
import { readName } from "../../core/plain-name.ts";
import type { DocumentDefinition, DocumentFormat } from "../../core/reporting/definition.ts";
import type { TaskAttempt } from "../ledger/tasks.ts";
import { writeAct } from "./acts.ts";
import type { Session } from "./session.ts";

export interface CurrentSnapshot {
  /** The record's name, as the server writes it. */
  record: string;
  /** JSON, as the server prints jsonb. */
  payload: string;
  /** What its row says of it, and what it is. */
  sealed: string | null;
  actual: string;
}

export interface ArtifactRow {
  record: string;
  key: string | null;
  sha256: string | null;
  bytes: string | null;
  madeFrom: string | null;
}

/** What an output has become. */
export interface MadeOutput {
  /** Its place among the document's outputs. */
  output: number;
  key: string;
  sha256: string;
  bytes: number;
}

/** The current snapshots of these records, in their order; a record that has none is not among them. */
export async function readSnapshots(
  session: Session,
  definition: DocumentDefinition,
  records: readonly string[],
): Promise<CurrentSnapshot[]> {
  const { snapshots } = definition.document;
  const values: unknown[] = [];
  const which = `s.${quoteName(snapshots.record)} = any (${bind(values, records)})`;
  return session.query<CurrentSnapshot>(
    `select key::text as record, payload::text as payload, sealed::text as sealed,
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(payload::text, 'UTF8')), 'hex') as actual
      from (${currentRows(definition, values, which)}) as current order by key`,
    values,
  );
}

/** Records behind `after`, in the order of their keys, of which an output was made from another payload than their current one, or never. */
export async function listStale(
  session: Session,
  definition: DocumentDefinition,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<string[]> {
  const { snapshots, artifacts, outputs } = definition.document;
  const values: unknown[] = [];
  const behind = after === undefined ? "true" : `s.${quoteName(snapshots.record)} > ${bind(values, after)}`;
  const current = currentRows(definition, values, behind);
  const ofOutputs = outputs.map(({ where }) => conditions("a", where, values)).join(" or ");
  const rows = await session.query<{ record: string }>(
    `select current.key::text as record from (${current}) as current
      where exists (select from ${tableOf(artifacts.table)} a
        where a.${quoteName(artifacts.record)} = current.key and (${ofOutputs})
          and a.${quoteName(artifacts.madeFrom)} is distinct from current.sealed)
      order by current.key limit ${bind(values, limit)}`,
    values,
  );
  return rows.map(({ record }) => record);
}

/** Each output's rows of these records. */
export async function readArtifactRows(
  session: Session,
  definition: DocumentDefinition,
  records: readonly string[],
): Promise<ArtifactRow[][]> {
  const found: ArtifactRow[][] = [];
  for (const place of definition.document.outputs.keys())
    found.push(await artifactRows(session, definition, place, records));
  return found;
}

/**
 * Notes in one transaction, which is an act of the attempt, what a record's outputs have become. False when the payload is
 * another by now, or a row names another key: then nothing was noted. Throws `ArtifactUnclear`.
 */
export async function noteOutputs(
  session: Session,
  definition: DocumentDefinition,
  { by, snapshot, made }: { by: TaskAttempt; snapshot: CurrentSnapshot; made: readonly MadeOutput[] },
): Promise<boolean> {
  const { record, actual } = snapshot;
  const act = `${record} ${definition.name} ${by.attempt} ${actual}`;
  try {
    await session.transaction(async () => {
      await writeAct(
        session,
        { kind: "regenerate", id: by.task, record: act },
        { document: definition.name, record, madeFrom: actual },
      );
      const [now] = await readSnapshots(session, definition, [record]);
      if (now?.actual !== actual) throw new Changed();
      for (const one of made) await noteOutput(session, definition, snapshot, one);
    });
    return true;
  } catch (error) {
    if (error instanceof Changed) return false;
    throw error;
  }
}

/** Takes the transaction back. */
class Changed extends Error {}

async function noteOutput(
  session: Session,
  definition: DocumentDefinition,
  { record, actual }: CurrentSnapshot,
  { output, key, sha256, bytes }: MadeOutput,
): Promise<void> {
  const { artifacts, outputs } = definition.document;
  const rows = await artifactRows(session, definition, output, [record], "lock");
  if (oneRow(definition, record, output, rows).key !== key) throw new Changed();
  const values: unknown[] = [];
  const set = [
    `${quoteName(artifacts.sha256)} = ${bind(values, sha256)}`,
    `${quoteName(artifacts.bytes)} = ${bind(values, bytes)}`,
    `${quoteName(artifacts.madeFrom)} = ${bind(values, actual)}`,
    ...(artifacts.madeAt === undefined ? [] : [`${quoteName(artifacts.madeAt)} = pg_catalog.now()`]),
  ];
  await session.query(
    `update ${tableOf(artifacts.table)} a set ${set.join(", ")}
      where a.${quoteName(artifacts.record)} = ${bind(values, record)}
        and ${conditions("a", outputs[output]?.where ?? {}, values)}`,
    values,
  );
}

/** Exactly one row says where an output lies, and it lies where the document's do; throws `ArtifactUnclear` and `ArtifactKeyRefused`. */
export function oneRow(
  { name, document }: DocumentDefinition,
  record: string,
  output: number,
  rows: readonly ArtifactRow[],
): ArtifactRow {
  const own = rows.filter((row) => row.record === record);
  const format: DocumentFormat = document.outputs[output]?.format ?? "pdf";
  const [only] = own;
  if (only === undefined || own.length > 1)
    throw new RehearsalError("ArtifactUnclear", { document: name, record, format, rows: own.length });
  const { prefix } = document.artifacts;
  if (!isBelow(only.key, prefix))
    throw new RehearsalError("ArtifactKeyRefused", { document: name, record, key: only.key ?? "", prefix });
  return only;
}

/** A key is the application's to write, and whoever could write any would have any object put over. */
function isBelow(key: string | null, prefix: string): key is string {
  if (key === null || !key.startsWith(prefix) || Buffer.byteLength(key) > 900) return false;
  return !/\p{Cc}/u.test(key) && key.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function artifactRows(
  session: Session,
  { document: { artifacts, outputs } }: DocumentDefinition,
  output: number,
  records: readonly string[],
  lock?: "lock",
): Promise<ArtifactRow[]> {
  const values: unknown[] = [];
  const column = (name: string) => `a.${quoteName(name)}::text`;
  return session.query<ArtifactRow>(
    `select ${column(artifacts.record)} as record, ${column(artifacts.key)} as key, ${column(artifacts.sha256)} as sha256,
        ${column(artifacts.bytes)} as bytes, ${column(artifacts.madeFrom)} as "madeFrom"
      from ${tableOf(artifacts.table)} a
      where a.${quoteName(artifacts.record)} = any (${bind(values, records)})
        and ${conditions("a", outputs[output]?.where ?? {}, values)}${lock === undefined ? "" : " for update"}`,
    values,
  );
}

/** Of each record that the condition lets through its current snapshot: key, payload, sealed. */
function currentRows(
  { document: { snapshots } }: DocumentDefinition,
  values: unknown[],
  which: string,
): string {
  const ranks = snapshots.current.map((where) => conditions("s", where, values));
  const rank = `case ${ranks.map((condition, at) => `when ${condition} then ${at}`).join(" ")} end`;
  const key = `s.${quoteName(snapshots.record)}`;
  return `select distinct on (${key}) ${key} as key, s.${quoteName(snapshots.payload)} as payload, s.${quoteName(snapshots.sha256)} as sealed
    from ${tableOf(snapshots.table)} s where ${which} and (${ranks.join(" or ")}) order by ${key}, ${rank}`;
}

/** Values are bound without a type, so that the server takes them for what the column is. */
function conditions(of: string, where: Record<string, unknown>, values: unknown[]): string {
  const all = Object.entries(where).map(
    ([column, wanted]) => `${of}.${quoteName(column)} = any (${bind(values, [wanted].flat().map(String))})`,
  );
  return all.length === 0 ? "true" : `(${all.join(" and ")})`;
}

function bind(values: unknown[], value: unknown): string {
  values.push(value);
  return `$${values.length}`;
}

function tableOf(name: string): string {
  return (readName(name) ?? [name]).map(quoteName).join(".");
}
