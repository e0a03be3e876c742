/** One connection to a Postgres database, with every setting pinned that could change what a statement means. */
import type pg from "pg";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { connect } from "./client.ts";
import { connectPatiently, type Patience } from "./connect.ts";

export interface SessionOptions extends Patience {
  /** Shown in pg_stat_activity; a promotion's sessions begin with `rehearsal ID STEP`. */
  application: string;
  /** Milliseconds; 0 is none. */
  statementTimeout?: number;
  lockTimeout?: number;
  /** Start transactions read-only. */
  readOnly?: boolean;
  /** The database to connect to, when it is not the address's own. */
  database?: string;
}

export interface StatementResult {
  command: string;
  rowCount: number | null;
}

/** Rows as the server writes them, whatever their types. */
export interface TextTable {
  /** `type`: the oid. */
  columns: { name: string; type: number }[];
  rows: (string | null)[][];
}

export interface Session {
  /** The backend's process id. */
  readonly pid: number;
  /** What whoever answered gave as the process id at the start; a pooler's own is another. */
  readonly announcedPid: number;
  /** server_version_num / 10000. */
  readonly major: number;
  /** The address, with the database that it is connected to. */
  readonly address: DatabaseAddress;
  /** One statement with parameters; rows as objects, int8 and numeric as strings. Several without parameters give the rows of the last. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The same, for statements whose columns nobody knows: each value as the server's text, in the order of the columns. Throws `RowsTooWide` when more than `mostBytes` arrive, which ends the session. */
  table(text: string, values?: readonly unknown[], mostBytes?: number): Promise<TextTable>;
  /** Text as it is, by the simple protocol (several statements run as one transaction); the results without rows. */
  execute(text: string): Promise<StatementResult[]>;
  /**
   * As `execute`, each text by itself, and all sent before the first is answered. Meant for a transaction, in which the server refuses
   * what stands behind a failure. The answers come in order; those that nobody awaits are waited for by whatever is asked next.
   */
  executeAll(texts: readonly string[]): Promise<StatementResult[]>[];
  /** True between `transaction`'s BEGIN and its end. */
  inTransaction(): boolean;
  /** BEGIN … COMMIT around the work; any throw rolls back. `begin` may have statements behind BEGIN, whose results the work is given. */
  transaction<T>(work: (begun: StatementResult[]) => Promise<T>, begin?: string): Promise<T>;
  close(): Promise<void>;
  /** Drops the connection at once; whatever waits for it fails with `DatabaseUnreachable`. For a server that may never answer. */
  destroy(): void;
}

/** SQLSTATEs that mean: nobody answered, or not now; the same step may be tried again. */
const UNREACHABLE = /^(08|57P0[123]|53300|3D000|28)/;

/** Opens a session; throws `DatabaseUnreachable` or `ConnectionsExhausted` when the server cannot be spoken to, patience being at its end. */
export async function openSession(address: DatabaseAddress, options: SessionOptions): Promise<Session> {
  const connected = { ...address, database: options.database ?? address.database };
  return connectPatiently(connected, options, () => attempt(connected, options));
}

/** One try; throws as `connect` does. */
async function attempt(address: DatabaseAddress, options: SessionOptions): Promise<Session> {
  const { client, rows, key } = await connect<{ pid: number; version: number }>(address, {
    application: options.application,
    pipeline: true,
    first:
      () => `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num')::int as version,
        ${Object.entries(pinnedSettings(options))
          .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`)
          .join(", ")}, ${WITHOUT_TRANSACTION_TIMEOUT}, ${FIRING_TRIGGERS}`,
  });
  // A lost connection is also reported by the query that waits for it.
  let lost: Error | undefined;
  client.on("error", (error) => {
    lost = error;
  });
  const [row] = rows;
  if (row === undefined) throw new Error("the server returned no row");
  const major = Math.floor(row.version / 10_000);
  return makeSession(client, address, { pid: row.pid, announcedPid: key.processID, major }, () => lost);
}

/** Takes away a limit that a database may set for its applications; servers before 17 have none. The view of all settings would take longer than all the rest. */
const WITHOUT_TRANSACTION_TIMEOUT = `case when pg_catalog.current_setting('transaction_timeout', true) is not null
  then pg_catalog.set_config('transaction_timeout', '0', false) end`;

/**
 * A role's sessions may begin as a replica's, in which triggers stay silent; who may not change that is found by `assertRights`. It runs
 * while the database's own search_path still stands, so the operator is named with its schema as well.
 */
const FIRING_TRIGGERS = `case when pg_catalog.current_setting('session_replication_role') operator(pg_catalog.<>) 'origin'
    and pg_catalog.has_parameter_privilege('session_replication_role', 'set')
  then pg_catalog.set_config('session_replication_role', 'origin', false) end`;

/** The settings every session of ours begins with. */
export function pinnedSettings(options: SessionOptions): Record<string, string> {
  return {
    search_path: "pg_catalog, pg_temp",
    statement_timeout: String(options.statementTimeout ?? 0),
    lock_timeout: String(options.lockTimeout ?? 0),
    idle_in_transaction_session_timeout: "0",
    // A session waits while others of the same step work.
    idle_session_timeout: "0",
    default_transaction_read_only: options.readOnly ? "on" : "off",
    default_transaction_isolation: "read committed",
    client_encoding: "UTF8",
    standard_conforming_strings: "on",
    datestyle: "ISO, YMD",
    intervalstyle: "postgres",
    timezone: "UTC",
    extra_float_digits: "1",
    bytea_output: "hex",
    xmloption: "content",
    client_min_messages: "warning",
    row_security: "off",
    array_nulls: "on",
    quote_all_identifiers: "off",
  };
}

function makeSession(
  client: pg.Client,
  address: DatabaseAddress,
  facts: Pick<Session, "pid" | "announcedPid" | "major">,
  lost: () => Error | undefined,
): Session {
  let turn: Promise<unknown> = Promise.resolve();
  let asked = 0;
  const whileAsked = async <R>(work: () => Promise<R>): Promise<R> => {
    asked++;
    try {
      return await work();
    } finally {
      asked--;
    }
  };
  const run = async <R>(text: string, work: () => Promise<R>): Promise<R> => {
    // One statement at a time, whoever asks: progress is written while a step works.
    const mine = turn.then(() => whileAsked(work));
    turn = mine.catch((error: unknown) => error);
    try {
      return await mine;
    } catch (error) {
      throw translate(error, text, address, lost());
    }
  };
  const runAll = (texts: readonly string[]) => {
    const { stream } = client.connection;
    // Held back until all are written, so that they leave together and not each in a packet of its own.
    const sent = turn.then(() => {
      stream.cork();
      const queries = texts.map((text) => whileAsked(() => client.query(text)));
      stream.uncork();
      return queries;
    });
    const answers = texts.map(async (text, place) => {
      try {
        return resultsOf(await (await sent)[place]);
      } catch (error) {
        throw translate(error, text, address, lost());
      }
    });
    turn = Promise.allSettled(answers);
    return answers;
  };
  let inside = false;
  const session: Session = {
    ...facts,
    address,
    query: async <Row extends object>(text: string, values?: readonly unknown[]) => {
      const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await run(text, () =>
        client.query<Row>(text, values === undefined ? undefined : [...values]),
      );
      return [result].flat().at(-1)?.rows ?? [];
    },
    table: async (text, values, mostBytes = Number.POSITIVE_INFINITY) => {
      const { fields, rows } = await run(text, () =>
        within(client, mostBytes, () =>
          client.query<(string | null)[]>({
            ...{ text, rowMode: "array", types: AS_TEXT },
            ...(values !== undefined && { values: [...values] }),
          }),
        ),
      );
      return { columns: fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })), rows };
    },
    execute: async (text) => resultsOf(await run(text, () => client.query(text))),
    executeAll: runAll,
    inTransaction: () => inside,
    transaction: async (work, begin = "begin") => {
      inside = true;
      try {
        const result = await work(await session.execute(begin));
        const [ended] = await session.execute("commit");
        // After a failure that somebody inside did not pass on, the server rolls back and does not call it an error.
        if (ended?.command !== "COMMIT")
          throw new RehearsalError("StatementFailed", {
            sqlstate: "25P02",
            reason: "a statement before it had failed, and the transaction was rolled back",
            statement: "commit",
          });
        return result;
      } catch (error) {
        // The failure that matters is the first one; a connection that cannot roll back is gone, and the server rolls back.
        await session.execute("rollback").catch(() => client.connection.stream.destroy());
        throw error;
      } finally {
        inside = false;
      }
    },
    close: async () => {
      // It would wait for an answer that may never come.
      if (asked > 0) client.connection.stream.destroy();
      await client.end().catch(() => client.connection.stream.destroy());
    },
    destroy: () => {
      client.connection.stream.destroy();
    },
  };
  return session;
}

/** Of one statement, or of several. */
function resultsOf(results: pg.QueryResult | pg.QueryResult[] | undefined): StatementResult[] {
  return [results ?? []].flat().map(({ command, rowCount }) => ({ command, rowCount }));
}

/** No value becomes another on its way: not a number that is too large, nor a time. */
const AS_TEXT: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

/** Ends the connection when the answer is larger: what is still to come would be held in memory whole. */
async function within<T>(client: pg.Client, mostBytes: number, work: () => Promise<T>): Promise<T> {
  const { stream } = client.connection;
  let bytes = 0;
  const count = (piece: Uint8Array) => {
    bytes += piece.length;
    if (bytes > mostBytes) stream.destroy();
  };
  stream.on("data", count);
  try {
    return await work();
  } catch (error) {
    if (bytes > mostBytes)
      throw new RehearsalError("RowsTooWide", { megabytes: mostBytes / 2 ** 20 }, { cause: error });
    throw error;
  } finally {
    stream.off("data", count);
  }
}

function translate(error: unknown, text: string, address: DatabaseAddress, lost: Error | undefined): unknown {
  if (error instanceof RehearsalError) return error;
  const { code, message } = error as { code?: string; message: string };
  if (lost !== undefined || code === undefined || UNREACHABLE.test(code) || !/^[0-9A-Z]{5}$/.test(code))
    return new RehearsalError(
      "DatabaseUnreachable",
      { database: address.database, reason: clip(message) },
      { cause: error },
    );
  return new RehearsalError(
    "StatementFailed",
    { sqlstate: code, reason: clip(message), statement: text.trim().slice(0, 200) },
    { cause: error },
  );
}

/** A server's message, short enough to travel: RAISE may say anything, and a state machine carries 256 KiB. */
export function clip(message: string): string {
  return message.length > 2_000 ? `${message.slice(0, 2_000)}…` : message;
}
