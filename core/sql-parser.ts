/** The door to Postgres's own parser: a file's text becomes statements with their exact source, or a refusal with its place. */
import { hasSqlDetails, loadModule, parseSync } from "libpg-query";
import { RehearsalError } from "./errors.ts";
import { refuseForeignText } from "./psql.ts";
import { placeOfCodePoint, type SqlSource } from "./sql-source.ts";
import { type Tree, unwrap } from "./sql-tree.ts";

export interface ParsedStatement {
  /** The source between the statement's first token and its semicolon. */
  sql: string;
  /** From 1. */
  line: number;
  /** Where `sql` begins in the source's text, in UTF-16 units. */
  start: number;
  /** The parse tree's node: "AlterTableStmt". */
  kind: string;
  fields: Tree;
}

/** Parses a file; throws `SqlSyntax` with line and column, or `PsqlCommand`, `InlineCopy`, `SqlTooComplex`. */
export async function parseSql(source: SqlSource): Promise<ParsedStatement[]> {
  await loadModule();
  if (source.sql.trim() === "") return [];
  return cut(source, parseText(source));
}

/** Parses a piece of SQL inside a file (a function's body); undefined when it does not stand alone as SQL. Needs a `parseSql` before. */
export function parseFragment(sql: string): { kind: string; fields: Tree }[] | undefined {
  if (sql.trim() === "") return [];
  try {
    return guarded(() => parseSync(sql)).stmts?.flatMap((raw) => unwrap(raw.stmt) ?? []) ?? [];
  } catch {
    return undefined;
  }
}

function parseText(source: SqlSource) {
  try {
    return guarded(() => parseSync(source.sql));
  } catch (error) {
    if (!hasSqlDetails(error) || error.message.startsWith("memory exhausted"))
      throw new RehearsalError(
        "SqlTooComplex",
        { path: source.path, reason: error instanceof Error ? error.message : String(error) },
        { cause: error },
      );
    const codePoint = error.sqlDetails?.cursorPosition ?? 0;
    const place = placeOfCodePoint(source.sql, codePoint);
    refuseForeignText(source, place.line);
    throw new RehearsalError("SqlSyntax", { path: source.path, ...place, reason: error.message });
  }
}

/** The parser's locations are offsets in UTF-8 bytes, so the slices are cut from the bytes. */
function cut(source: SqlSource, tree: ReturnType<typeof parseSync>): ParsedStatement[] {
  const bytes = Buffer.from(source.sql);
  let at = 0;
  let line = 1;
  let start = 0;
  return (tree.stmts ?? []).flatMap((raw) => {
    const node = unwrap(raw.stmt);
    if (node === undefined) return [];
    const from = raw.stmt_location ?? 0;
    const to = raw.stmt_len ? from + raw.stmt_len : bytes.length;
    const between = bytes.toString("utf8", at, from);
    line += between.split("\n").length - 1;
    start += between.length;
    at = from;
    return [{ sql: bytes.toString("utf8", from, to), line, start, ...node }];
  });
}

/** The parser, running out of memory, ends its module as a program would and marks this process as failed: that mark is taken back. */
function guarded<T>(work: () => T): T {
  const { exitCode } = process;
  try {
    return work();
  } finally {
    process.exitCode = exitCode;
  }
}
