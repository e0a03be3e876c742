/** The BEGIN and COMMIT that some tools' files put around themselves: taken out by the parse tree, for the transaction is Rehearsal's. */
import { blank } from "./formats/markers.ts";
import type { ParsedStatement } from "./sql-parser.ts";
import type { SqlSource } from "./sql-source.ts";

interface Unwrapped {
  source: SqlSource;
  parsed: ParsedStatement[];
  /** Whether there was one. */
  own: boolean;
}

/** The file without a first BEGIN and a last COMMIT, which are blank in its text; any other transaction control stays, to be refused. */
export function withoutOwnTransaction(source: SqlSource, parsed: readonly ParsedStatement[]): Unwrapped {
  const [first, last] = [parsed[0], parsed.at(-1)];
  if (
    first === undefined ||
    last === undefined ||
    !isPlain(first, ["BEGIN", "START"]) ||
    !isPlain(last, ["COMMIT"])
  )
    return { source, parsed: [...parsed], own: false };
  let sql = source.sql;
  for (const { start, sql: text } of [first, last]) {
    const end = start + text.length;
    sql = blank(sql, start, sql[end] === ";" ? end + 1 : end);
  }
  return { source: { ...source, sql }, parsed: parsed.slice(1, -1), own: true };
}

/** Nothing but the word: no isolation level, no chain. */
function isPlain({ kind, fields }: ParsedStatement, words: readonly string[]): boolean {
  if (kind !== "TransactionStmt" || fields.options !== undefined || fields.chain === true) return false;
  return words.some((word) => fields.kind === `TRANS_STMT_${word}`);
}
