/** What a migration says of itself in comments at its top: `-- rehearsal: no-transaction`. */
import { didYouMean } from "./did-you-mean.ts";
import { RehearsalError } from "./errors.ts";
import { lexemes } from "./sql-lexer.ts";
import { lineAt, type SqlSource } from "./sql-source.ts";

export interface Directives {
  /** Each statement runs alone, outside a transaction. */
  noTransaction: boolean;
  /** Running the file twice changes nothing; the rehearsal proves it. */
  idempotent: boolean;
}

const KNOWN = ["no-transaction", "idempotent"];
const ANYWHERE = /--[ \t]*rehearsal:/i;
const DIRECTIVE = /^--[ \t]*rehearsal:(.*)$/i;

/** Reads the directives before `firstStatement` (an offset in the text); throws `DirectiveUnknown`, or `DirectiveMisplaced` for one further down, which would be ignored silently. */
export function readDirectives(source: SqlSource, firstStatement: number): Directives {
  const found = new Set<string>();
  // Most files hold none, and need no second reading.
  if (!ANYWHERE.test(source.sql)) return { noTransaction: false, idempotent: false };
  for (const { kind, text, start } of lexemes(source.sql)) {
    const directive = kind === "comment" ? DIRECTIVE.exec(text)?.[1]?.trim() : undefined;
    if (directive === undefined) continue;
    const place = { path: source.path, line: lineAt(source.sql, start), directive };
    if (start > firstStatement) throw new RehearsalError("DirectiveMisplaced", place);
    if (!KNOWN.includes(directive))
      throw new RehearsalError("DirectiveUnknown", { ...place, known: meant(directive) });
    found.add(directive);
  }
  return { noTransaction: found.has("no-transaction"), idempotent: found.has("idempotent") };
}

function meant(directive: string): string {
  return /^batch\b/.test(directive)
    ? "batches are not built yet; write the backfill as one statement, or as several migrations"
    : didYouMean(directive, KNOWN);
}
