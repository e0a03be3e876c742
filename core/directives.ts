/** What a migration says of itself in comments at its top: `-- rehearsal: no-transaction`. */
import { didYouMean } from "./did-you-mean.ts";
import { RehearsalError } from "./errors.ts";
import { scanTokens } from "./sql-parser.ts";
import type { SqlSource } from "./sql-source.ts";

export interface Directives {
  /** Each statement runs alone, outside a transaction. */
  noTransaction: boolean;
  /** Running the file twice changes nothing; the rehearsal proves it. */
  idempotent: boolean;
}

const KNOWN = ["no-transaction", "idempotent"];
const DIRECTIVE = /^--[ \t]*rehearsal:[ \t]*(.*?)[ \t\r]*$/i;

/** Reads the directives before `firstStatement` (an offset in the text); throws `DirectiveUnknown`, or `DirectiveMisplaced` for one further down, which would be ignored silently. */
export function readDirectives(source: SqlSource, firstStatement: number): Directives {
  const found = new Set<string>();
  for (const { text, line } of leadingComments(source.sql.slice(0, firstStatement))) {
    const directive = DIRECTIVE.exec(text)?.[1];
    if (directive === undefined) continue;
    if (!KNOWN.includes(directive))
      throw new RehearsalError("DirectiveUnknown", {
        path: source.path,
        line,
        directive,
        ...hintFor(directive),
      });
    found.add(directive);
  }
  refuseMisplaced(source, firstStatement);
  return { noTransaction: found.has("no-transaction"), idempotent: found.has("idempotent") };
}

function hintFor(directive: string): { known: string } {
  return {
    known: /^batch\b/.test(directive)
      ? "batches are not built yet; write the backfill as one statement, or as several migrations"
      : didYouMean(directive, KNOWN),
  };
}

/** The `--` comments of a text that holds only white space, comments and semicolons; block comments nest in Postgres. */
function* leadingComments(head: string): Generator<{ text: string; line: number }> {
  let line = 1;
  let depth = 0;
  for (const { 0: piece } of head.matchAll(/--[^\n]*|\/\*|\*\/|\n|[^\n]/g)) {
    if (piece === "\n") line++;
    else if (piece === "/*") depth++;
    else if (piece === "*/") depth--;
    else if (depth === 0 && piece.startsWith("--")) yield { text: piece, line };
    // Inside a block comment `--` begins nothing, but the rest of the line may end the block.
    else if (piece.startsWith("--"))
      depth += (piece.match(/\/\*/g)?.length ?? 0) - (piece.match(/\*\//g)?.length ?? 0);
  }
}

function refuseMisplaced(source: SqlSource, firstStatement: number): void {
  const rest = source.sql.slice(firstStatement);
  if (!/--[ \t]*rehearsal:/i.test(rest)) return;
  // Only the scanner can tell a comment from the same characters inside a string or a function's body.
  for (const token of scanTokens(rest) ?? []) {
    const directive = token.tokenName === "SQL_COMMENT" ? DIRECTIVE.exec(token.text)?.[1] : undefined;
    if (directive === undefined) continue;
    const line = (
      source.sql.slice(0, firstStatement) + Buffer.from(rest).toString("utf8", 0, token.start)
    ).split("\n").length;
    throw new RehearsalError("DirectiveMisplaced", { path: source.path, line, directive });
  }
}
