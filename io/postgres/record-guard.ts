/** Keeps a file's hands off the record in schema `rehearsal`: SQL that is put together at run time no parser sees. */
import { RehearsalError } from "../../core/errors.ts";
import type { RunItem } from "../../core/runs.ts";
import { type FilePolicy, pinsForFiles, settling } from "./file-settings.ts";
import type { Session } from "./session.ts";

/** A mark of the record as it is; changes with every row written to it, and with every change of its tables. */
export async function markRecord(session: Session): Promise<string> {
  return markedBy(session, `select ${mark(session)}`);
}

/** Marks the record and pins what a file runs under, in one message: the server may be far away. */
export async function beginFiles(session: Session, policy: FilePolicy): Promise<string> {
  return markedBy(session, `select ${mark(session)}, ${pinsForFiles(policy)}`);
}

/** Takes back what the last file did to the session, and throws `LedgerTouched`, which names `item`, unless the record is as it was when they began; in one message. */
export async function endFiles(session: Session, item: RunItem, before: string): Promise<void> {
  await assertMark(item, before, () => markedBy(session, `${settling(session)}; select ${mark(session)}`));
}

async function markedBy(session: Session, query: string): Promise<string> {
  const [row] = await session.query<{ mark: string }>(query);
  return row?.mark ?? "";
}

function mark(session: Session): string {
  // Inside a transaction the server counts what is written; outside it has forgotten, and all rows are compared. What a file archives
  // its triggers may tell us.
  const rows = session.inTransaction()
    ? `select sum(${WRITTEN}) from pg_class c where ${OURS} and c.relname <> 'archived'`
    : "select string_agg(a::text, ',' order by path) from rehearsal.applied a";
  return `concat_ws(' ',
      (select i::text from rehearsal.identity i),
      (select string_agg(c.oid || ':' || c.xmin, ',' order by c.oid) from pg_class c where ${OURS}),
      (select xmin from pg_namespace where nspname = 'rehearsal'),
      (${rows})) as mark`;
}

const OURS = "c.relnamespace = 'rehearsal'::regnamespace";

/** Of one table. The server's view of all tables takes longer the more there are, and this is asked twice for every file. */
const WRITTEN = ["inserted", "updated", "deleted"]
  .map((how) => `pg_stat_get_xact_tuples_${how}(c.oid)`)
  .join(" + ");

/** Throws `LedgerTouched` unless the record is as it was when it was marked, before the file's statements ran. */
export async function assertRecordKept(session: Session, item: RunItem, before: string): Promise<void> {
  await assertMark(item, before, () => markRecord(session));
}

async function assertMark(item: RunItem, before: string, marked: () => Promise<string>): Promise<void> {
  const refuse = (cause?: unknown) =>
    new RehearsalError(
      "LedgerTouched",
      {
        path: item.path,
        line: item.statements[0]?.line ?? 1,
        what: 'schema "rehearsal" by SQL that is put together while it runs',
      },
      { cause },
    );
  const after = await marked().catch((error: unknown) => {
    // Without its tables it cannot be marked.
    throw error instanceof RehearsalError && error.code === "StatementFailed" ? refuse(error) : error;
  });
  if (after !== before) throw refuse();
}
