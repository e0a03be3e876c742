/** Keeps a file's hands off the record in schema `rehearsal`: SQL that is put together at run time no parser sees. */
import { RehearsalError } from "../../core/errors.ts";
import type { RunItem } from "../../core/runs.ts";
import { type FilePolicy, pinsForFiles, settling } from "./file-settings.ts";
import type { Session, StatementResult } from "./session.ts";

/** The record as it was: `mark` changes with every row written to it, and with every change of its tables and functions. */
export interface RecordMark {
  mark: string;
  /** The schema's oid, and how many objects stand in it. */
  schema: string;
  objects: number;
}

export async function markRecord(session: Session): Promise<RecordMark> {
  return markedBy(session, `select ${mark(session)}`);
}

/** Marks the record and pins what a file runs under, in one message: the server may be far away. */
export async function beginFiles(session: Session, policy: FilePolicy): Promise<RecordMark> {
  return markedBy(session, `select ${mark(session)}, ${pinsForFiles(policy)}`);
}

/**
 * SQL: a row for each object of the schema, found by an index, whatever the search path. Between two files it finds what one has made there
 * and a later one drops, which leaves no trace in the mark; what was there before and is no more, the mark tells.
 */
export function objectsOf({ schema }: RecordMark): string {
  return `select from pg_catalog.pg_depend d
    where d.refclassid operator(pg_catalog.=) ${PG_NAMESPACE} and d.refobjid operator(pg_catalog.=) ${schema}`;
}

/** Throws `LedgerTouched`, which names `item`, unless the schema holds as many objects as it did. */
export function assertNothingMade(
  item: RunItem,
  answer: readonly StatementResult[],
  { objects }: RecordMark,
): void {
  if (answer.at(-1)?.rowCount !== objects) throw touchedBy(item);
}

/** Takes back what the last file did to the session, and throws `LedgerTouched`, which names `item`, unless the record is as it was when they began; in one message. */
export async function endFiles(session: Session, item: RunItem, before: RecordMark): Promise<void> {
  await assertMark(item, before, () => markedBy(session, `${settling(session)}; select ${mark(session)}`));
}

async function markedBy(session: Session, query: string): Promise<RecordMark> {
  const [row] = await session.query<RecordMark>(query);
  if (row === undefined) throw new Error("the server returned no row");
  return row;
}

function mark(session: Session): string {
  // Inside a transaction the server counts what is written; outside it has forgotten, and all rows are compared. What a file archives
  // its triggers may tell us.
  const [written, rows] = session.inTransaction()
    ? [`case when c.relname <> 'archived' then ${WRITTEN} end`, "null"]
    : ["null", "(select string_agg(a::text, ',' order by path) from rehearsal.applied a)"];
  // The catalog is gone through once, and values are put together by functions: which of its many meanings || has takes long to find out.
  return `concat_ws(' ',
      (select i::text from rehearsal.identity i),
      (select string_agg(concat_ws(':', c.oid, c.xmin, ${written}), ',' order by c.oid) from pg_class c where ${OURS}),
      (select string_agg(concat_ws(':', classid, objid), ',' order by classid, objid) from pg_depend where ${STANDS}),
      (select string_agg(concat_ws(':', p.oid, p.xmin), ',' order by p.oid) from pg_proc p where p.pronamespace = ${SCHEMA}),
      (select xmin from pg_namespace where nspname = 'rehearsal'),
      ${rows}) as mark,
    ${SCHEMA}::oid::text as schema,
    (select count(*)::int from pg_depend where ${STANDS}) as objects`;
}

const SCHEMA = "'rehearsal'::regnamespace";
const OURS = `c.relnamespace = ${SCHEMA}`;
/** The oid of the catalog pg_namespace, the same in every database. */
const PG_NAMESPACE = 2615;
const STANDS = `refclassid = ${PG_NAMESPACE} and refobjid = ${SCHEMA}`;

/** Of one table. The server's view of all tables takes longer the more there are, and this is asked twice for every file. */
const WRITTEN = ["inserted", "updated", "deleted"]
  .map((how) => `pg_stat_get_xact_tuples_${how}(c.oid)`)
  .join(" + ");

/** Throws `LedgerTouched` unless the record is as it was when it was marked, before the file's statements ran. */
export async function assertRecordKept(session: Session, item: RunItem, before: RecordMark): Promise<void> {
  await assertMark(item, before, () => markRecord(session));
}

async function assertMark(
  item: RunItem,
  before: RecordMark,
  marked: () => Promise<RecordMark>,
): Promise<void> {
  const after = await marked().catch((error: unknown) => {
    // Without its tables it cannot be marked.
    throw error instanceof RehearsalError && error.code === "StatementFailed"
      ? touchedBy(item, error)
      : error;
  });
  if (after.mark !== before.mark) throw touchedBy(item);
}

function touchedBy(item: RunItem, cause?: unknown): RehearsalError {
  return new RehearsalError(
    "LedgerTouched",
    {
      path: item.path,
      line: item.statements[0]?.line ?? 1,
      what: 'schema "rehearsal" by SQL that is put together while it runs',
    },
    { cause },
  );
}
