/** A check's file: one query that only reads, and returns the rows that are wrong. */
import type { Check } from "./checks.ts";
import { RehearsalError } from "./errors.ts";
import { refuseForbidden } from "./forbidden.ts";
import { parseSql } from "./sql-parser.ts";
import { readSqlSource } from "./sql-source.ts";
import { walk } from "./sql-tree.ts";

/** Reads a check; throws `CheckFileRefused` unless it is exactly one SELECT without any write, lock or INTO. */
export async function parseCheck(path: string, bytes: Uint8Array): Promise<Check> {
  const source = readSqlSource(path, bytes);
  const parsed = await parseSql(source);
  const [only, second] = parsed;
  if (only === undefined) throw new RehearsalError("SqlEmpty", { path });
  const refuse = (line: number, reason: string) =>
    new RehearsalError("CheckFileRefused", { path, line, reason });
  if (second !== undefined) throw refuse(second.line, "it holds more than one statement");
  if (only.kind !== "SelectStmt") throw refuse(only.line, "it is not a SELECT");
  walk(only.fields, (fields, kind) => {
    if (/^(Insert|Update|Delete|Merge)Stmt$/.test(kind ?? "")) throw refuse(only.line, "it writes in WITH");
    if (fields.intoClause !== undefined) throw refuse(only.line, "it makes a table with INTO");
    if (fields.lockingClause !== undefined) throw refuse(only.line, "it locks rows");
  });
  refuseForbidden(source, parsed, { transactional: true });
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.sql$/, "");
  return { name, path, sql: only.sql };
}
