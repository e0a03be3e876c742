/** What a migration says of itself in comments at its top: `-- rehearsal: no-transaction`. */
import { type BatchDirective, readBatchDirective } from "./batch-directive.ts";
import { didYouMean } from "./did-you-mean.ts";
import { RehearsalError } from "./errors.ts";
import { lexemes } from "./sql-lexer.ts";
import { lineAt, type SqlSource } from "./sql-source.ts";

export interface Directives {
  /** Each statement runs alone, outside a transaction. */
  noTransaction: boolean;
  /** Running the file twice changes nothing; the rehearsal proves it. */
  idempotent: boolean;
  /** Its one statement runs in slices of a key, each committed by itself. */
  batch?: BatchDirective;
}

const KNOWN = ["no-transaction", "idempotent", "batch"];
const ANYWHERE = /--[ \t]*rehearsal:/i;
const DIRECTIVE = /^--[ \t]*rehearsal:(.*)$/i;

/** Reads the directives before `firstStatement` (an offset in the text); throws `DirectiveUnknown`, `DirectiveInvalid`, or `DirectiveMisplaced` for one further down, which would be ignored silently. */
export function readDirectives(source: SqlSource, firstStatement: number): Directives {
  const found = new Set<string>();
  let batch: BatchDirective | undefined;
  // Most files hold none, and need no second reading.
  if (!ANYWHERE.test(source.sql)) return { noTransaction: false, idempotent: false };
  for (const { kind, text, start } of lexemes(source.sql)) {
    const directive = kind === "comment" ? DIRECTIVE.exec(text)?.[1]?.trim() : undefined;
    if (directive === undefined) continue;
    const place = { path: source.path, line: lineAt(source.sql, start), directive };
    if (start > firstStatement) throw new RehearsalError("DirectiveMisplaced", place);
    const [word = "", ...rest] = directive.split(/\s+/);
    if (word === "batch") {
      const read = batch
        ? "a file is one batch, and says so once"
        : readBatchDirective(directive.slice(word.length).trim());
      if (typeof read === "string") throw new RehearsalError("DirectiveInvalid", { ...place, problem: read });
      batch = read;
    } else if (rest.length > 0 || !KNOWN.includes(word))
      throw new RehearsalError("DirectiveUnknown", { ...place, known: didYouMean(directive, KNOWN) });
    found.add(word);
  }
  return {
    noTransaction: found.has("no-transaction"),
    idempotent: found.has("idempotent"),
    ...(batch && { batch }),
  };
}
