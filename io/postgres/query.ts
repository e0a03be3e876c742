/** Runs one query that only reads, in a session of its own that ends with it: a cursor inside a transaction that is rolled back. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteName } from "../../core/names.ts";
import { type QueryColumn, repeatedColumn } from "../../core/query/rows.ts";
import type { BoundValue } from "../../core/query/value.ts";
import type { Session, TextTable } from "./session.ts";

interface QueryRun {
  name: string;
  /** One SELECT, proved by `parseQuery`; `values` are its `$1` and on. */
  sql: string;
  values: readonly BoundValue[];
  searchPath: readonly string[];
  /** Rows at most. */
  rows: number;
  /** For all of it; then it is cancelled. */
  seconds: number;
  /** Whether policies on rows hold: for a role that they are made for. */
  rowSecurity: boolean;
}

export interface QueryResult {
  columns: readonly QueryColumn[];
  /** Batch by batch, as whoever reads takes them. */
  batches: AsyncIterable<TextTable["rows"]>;
}

/** Rows of one batch at most. */
const BATCH_ROWS = 2_000;
/** Bytes that a batch is meant to have, by the widest row that was seen; and those at which it is given up. */
const BATCH_BYTES = 2 * 2 ** 20;
const BATCH_LIMIT = 32 * 2 ** 20;

/** Milliseconds that a query waits for a lock: nobody who alters a table shall wait behind it. */
const LOCK_TIMEOUT = 2_000;
/** Seconds without a word after which the server ends it: whoever asked has died. */
const IDLE_SECONDS = 60;

/**
 * Has `use` read the rows; whatever it does, nothing outlives the transaction. `more` tells whether there were more rows
 * than were asked for. Throws `QueryFailed`, `QueryTooSlow`, `QueryColumnsAlike`, `RowsTooWide`. The session is to be closed.
 */
export async function runQuery<T>(
  session: Session,
  run: QueryRun,
  use: (result: QueryResult) => Promise<T>,
): Promise<{ value: T; more: boolean }> {
  const clock = stopwatch(session, run);
  try {
    await session.execute(`begin isolation level repeatable read, read only; ${settings(run)}`);
    await session.query(`declare rehearsal_query no scroll cursor for\n${run.sql}\n`, run.values);
    const first = await fetchRows(session, clock, 1);
    const columns = await nameTypes(session, first.columns);
    const repeated = repeatedColumn(columns);
    if (repeated !== undefined)
      throw new RehearsalError("QueryColumnsAlike", { query: run.name, column: repeated });
    let more = false;
    const read = async function* () {
      let given = 0;
      let widest = 1;
      for (let rows = first.rows; rows.length > 0; ) {
        const wanted = rows.slice(0, run.rows - given);
        more = wanted.length < rows.length;
        given += wanted.length;
        if (wanted.length > 0) yield wanted;
        if (more) return;
        widest = rows.reduce((most, row) => Math.max(most, widthOf(row)), widest);
        // One row more than is wanted tells that there are more.
        const room = Math.min(BATCH_ROWS, given * 4, run.rows - given + 1);
        rows = (
          await fetchRows(session, clock, Math.max(1, Math.min(room, Math.floor(BATCH_BYTES / widest))))
        ).rows;
      }
    };
    return { value: await use({ columns, batches: read() }), more };
  } catch (error) {
    throw asQueryError(error, run);
  } finally {
    // A session that is gone has nothing to take back, and the failure that ended it is the one to tell.
    await session.execute("rollback").catch((error: unknown) => error);
  }
}

function settings({ searchPath, seconds, rowSecurity }: QueryRun): string {
  return Object.entries({
    search_path: searchPath.map(quoteName).join(", "),
    statement_timeout: String(seconds * 1_000),
    lock_timeout: String(LOCK_TIMEOUT),
    idle_in_transaction_session_timeout: `'${IDLE_SECONDS}s'`,
    row_security: rowSecurity ? "on" : "off",
    // All rows are wanted, not the first of them soon.
    cursor_tuple_fraction: "1",
  })
    .map(([name, value]) => `set local ${name} = ${value}`)
    .join("; ");
}

interface Stopwatch {
  /** Gives the statement that comes next what is left of the time; throws `QueryTooSlow` when nothing is. */
  start(): Promise<void>;
}

/** The server's limit is for one statement, and a cursor has many. */
function stopwatch(session: Session, { name, seconds }: QueryRun): Stopwatch {
  const begun = performance.now();
  let told = begun;
  return {
    start: async () => {
      const now = performance.now();
      const left = seconds * 1_000 - (now - begun);
      if (left <= 0) throw new RehearsalError("QueryTooSlow", { query: name, seconds });
      if (now - told < 500) return;
      told = now;
      await session.execute(`set local statement_timeout = ${Math.ceil(left)}`);
    },
  };
}

async function fetchRows(session: Session, clock: Stopwatch, rows: number) {
  await clock.start();
  return session.table(`fetch ${rows} from rehearsal_query`, undefined, BATCH_LIMIT);
}

async function nameTypes(session: Session, columns: TextTable["columns"]): Promise<QueryColumn[]> {
  const types = await session.query<{ oid: string; type: string }>(
    "select oid::pg_catalog.text, pg_catalog.format_type(oid, null) as type from pg_catalog.unnest($1::pg_catalog.oid[]) as oid",
    [[...new Set(columns.map(({ type }) => type))]],
  );
  const byOid = new Map(types.map(({ oid, type }) => [Number(oid), type]));
  return columns.map(({ name, type }) => ({ name, type: byOid.get(type) ?? "unknown" }));
}

function widthOf(row: TextTable["rows"][number]): number {
  return row.reduce((width, value) => width + (value?.length ?? 0) + 4, 0);
}

/** The server's own words, as being about a query. */
function asQueryError(error: unknown, { name, seconds }: QueryRun): unknown {
  if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") return error;
  const { sqlstate, reason } = error.facts as { sqlstate: string; reason: string };
  // query_canceled: by its time, for nobody else cancels it who would not know.
  if (sqlstate === "57014")
    return new RehearsalError("QueryTooSlow", { query: name, seconds }, { cause: error });
  return new RehearsalError("QueryFailed", { query: name, sqlstate, reason }, { cause: error });
}
