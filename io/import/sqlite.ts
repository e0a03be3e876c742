/** Reads a SQLite database that is a copy of our own: its tables, and every value as what it is, not as what its column says. */
import { existsSync } from "node:fs";
import type { SQLOutputValue, StatementSync } from "node:sqlite";
import { RehearsalError } from "../../core/errors.ts";
import type { Stored } from "../../core/import/sqlite-stored.ts";
import type { SqliteColumn, SqliteTable } from "../../core/import/sqlite-table.ts";

export interface SqliteRow {
  /** How it is found again: `rowid 12`, or its key. */
  row: () => string;
  /** In the order of the columns that were asked for; a text that is not one is a problem in words. */
  values: (Stored | { problem: string })[];
}

export interface SqliteDatabase {
  tables: SqliteTable[];
  views: string[];
  /** How many rows a table holds. */
  count(table: SqliteTable): number;
  /** One at a time: whatever the table's size, a row is in memory. */
  rows(table: SqliteTable, columns: readonly string[]): Generator<SqliteRow>;
  /** Rows of a table that point at rows which are not there, by SQLite's own foreign keys. */
  orphans(table: SqliteTable, limit: number): { row: string; parent: string }[];
  close(): void;
}

/** Opens it and looks whether it is whole. Throws `SqliteUnreadable` and `SqliteDamaged`; so does whatever reads from it. */
export async function openSqlite(path: string, name: string): Promise<SqliteDatabase> {
  const { DatabaseSync } = await import("node:sqlite");
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw translate(error, name);
    }
  };
  // What an interrupted writer left is taken back first, for which the copy is written.
  const database = guarded(
    () =>
      new DatabaseSync(path, {
        readOnly: !existsSync(`${path}-journal`),
        readBigInts: true,
        returnArrays: true,
      }),
  );
  const all = (sql: string, ...values: string[]) =>
    guarded(() => database.prepare(sql).all(...values) as unknown as SQLOutputValue[][]);
  try {
    // A schema may call functions in what it computes: only those that do no harm.
    guarded(() =>
      database.exec("pragma trusted_schema = off; pragma query_only = on; pragma cell_size_check = on"),
    );
    assertWhole(all("pragma quick_check(100)"), name);
    const encoding = String(all("pragma encoding")[0]?.[0]);
    const decode = decoderOf(encoding);
    const tables = readTables(all);
    return {
      tables,
      views: all("select name from sqlite_schema where type = 'view' order by name").map(([view]) =>
        String(view),
      ),
      count: ({ name: table }) => Number(all(`select count(*) from ${quoted(table)} not indexed`)[0]?.[0]),
      rows: (table, columns) =>
        readRows((sql) => guarded(() => database.prepare(sql)), table, columns, decode, guarded),
      orphans: (table, limit) => {
        const found: { row: string; parent: string }[] = [];
        for (const [, rowid, parent] of all(`pragma foreign_key_check(${quoted(table.name)})`)) {
          if (found.length === limit) break;
          found.push({ row: rowid === null ? "a row" : `rowid ${rowid}`, parent: String(parent) });
        }
        return found;
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What the check finds of rows that their own table would refuse is no damage: Postgres judges them by its own rules. */
const NO_DAMAGE = /^(?:ok$|CHECK constraint failed |[\w-]+ value (?:in|missing from) )/;

function assertWhole(found: SQLOutputValue[][], name: string): void {
  const damage = found.map(([line]) => String(line)).find((line) => !NO_DAMAGE.test(line));
  if (damage !== undefined)
    throw new RehearsalError("SqliteDamaged", {
      file: name,
      reason: damage.replaceAll("\n", "; ").slice(0, 300),
    });
}

type All = (sql: string, ...values: string[]) => SQLOutputValue[][];

/** In the order of their names. Tables of SQLite itself are left out, but for what they say of sequences. */
function readTables(all: All): SqliteTable[] {
  const listed = all(
    `select name, type, wr from pragma_table_list where schema = 'main' and type in ('table', 'virtual', 'shadow')
      and name not like 'sqlite\\_%' escape '\\' order by name`,
  );
  const sequences = new Map<string, bigint>();
  if (all("select 1 from sqlite_schema where name = 'sqlite_sequence'").length > 0)
    for (const [table, last] of all("select name, seq from sqlite_sequence"))
      if (typeof last === "bigint") sequences.set(String(table), last);
  return listed.map(([name, type, withoutRowid]) => {
    const table = String(name);
    if (type !== "table") return { name: table, kind: type as "virtual" | "shadow", columns: [], key: [] };
    const columns: SqliteColumn[] = [];
    const key: string[] = [];
    for (const [column, declared, pk, hidden] of all(
      "select name, type, pk, hidden from pragma_table_xinfo(?) order by cid",
      table,
    )) {
      columns.push({
        name: String(column),
        declared: String(declared),
        generated: hidden === 2n || hidden === 3n,
      });
      if (pk !== 0n) key.push(String(column));
    }
    const sequence = sequences.get(table);
    return {
      ...{ name: table, kind: "table" as const, columns, key },
      ...(withoutRowid === 0n && { rowid: rowidOf(columns) }),
      ...(sequence !== undefined && { sequence }),
    };
  });
}

/** The name under which a table's rowid is not hidden by a column. */
function rowidOf(columns: readonly SqliteColumn[]): string {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((alias) => !taken.has(alias)) ?? "rowid";
}

function* readRows(
  prepare: (sql: string) => StatementSync,
  { name, rowid, key }: SqliteTable,
  columns: readonly string[],
  decode: (bytes: Uint8Array) => string | undefined,
  guarded: <T>(work: () => T) => T,
): Generator<SqliteRow> {
  const found = rowid === undefined ? key.map(quoted) : [rowid];
  // Texts come as their bytes: SQLite takes any for text, and what is none would come with other characters in it.
  const values = columns.map((column) => {
    const of = quoted(column);
    return `case typeof(${of}) when 'text' then cast(${of} as blob) else ${of} end`;
  });
  const kinds = columns.map((column) => `substr(typeof(${quoted(column)}), 1, 1)`).join(" || ");
  // By the table itself: an index that covers the columns may be damaged where the table is not.
  const statement = prepare(
    `select ${[columns.length === 0 ? "''" : kinds, ...found, ...values].join(", ")} from ${quoted(name)} not indexed`,
  );
  const rows = guarded(() => statement.iterate()) as unknown as Iterator<SQLOutputValue[]>;
  try {
    for (;;) {
      const next = guarded(() => rows.next());
      if (next.done) return;
      const [tags, ...rest] = next.value;
      const of = rest.slice(0, found.length);
      yield {
        row: () => (rowid === undefined ? `key ${shownKey(of)}` : `rowid ${of[0]}`),
        values: rest.slice(found.length).map((value, at) => stored(String(tags)[at], value, decode)),
      };
    }
  } finally {
    rows.return?.();
  }
}

function stored(
  kind: string | undefined,
  value: SQLOutputValue | undefined,
  decode: (bytes: Uint8Array) => string | undefined,
): Stored | { problem: string } {
  if (kind === "t") {
    const text = decode(value as Uint8Array);
    return text === undefined ? { problem: "a text whose bytes are none" } : { kind, value: text };
  }
  if (kind === "i") return { kind, value: value as bigint };
  if (kind === "r") return { kind, value: value as number };
  return kind === "b" ? { kind, value: value as Uint8Array } : { kind: "n" };
}

function shownKey(values: readonly SQLOutputValue[]): string {
  const shown = JSON.stringify(
    values.map((value) => (value instanceof Uint8Array ? "(blob)" : String(value))),
  );
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

/** `UTF-8`, `UTF-16le`, `UTF-16be`. */
function decoderOf(encoding: string): (bytes: Uint8Array) => string | undefined {
  const decoder = new TextDecoder(encoding.toLowerCase(), { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQLite's own codes for what is no database. */
const NOT_A_DATABASE = 26;

function translate(error: unknown, file: string): unknown {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message: string };
  if (code !== "ERR_SQLITE_ERROR") return error;
  if (errcode === NOT_A_DATABASE)
    return new RehearsalError("SqliteUnreadable", {
      file,
      reason: "SQLite takes it for none, or for an encrypted one",
    });
  return new RehearsalError("SqliteDamaged", { file, reason: message.slice(0, 300) });
}
