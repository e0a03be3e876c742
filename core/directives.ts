/** What a file says in comments: of itself at its top, `-- rehearsal: no-transaction`, and above a statement, `-- rehearsal: allow RULE: reason`. */
import { type BatchDirective, readBatchDirective } from "./batch-directive.ts";
import { didYouMean } from "./did-you-mean.ts";
import { RehearsalError } from "./errors.ts";
import { lexemes } from "./sql-lexer.ts";
import { lineAt, type SqlSource } from "./sql-source.ts";
import { readSquashed, type Squashed } from "./squash.ts";

interface Directives {
  /** Each statement runs alone, outside a transaction. */
  noTransaction: boolean;
  /** Running the file twice changes nothing; the rehearsal proves it. */
  idempotent: boolean;
  /** Its one statement runs in slices of a key, each committed by itself. */
  batch?: BatchDirective;
  /** Findings of the safety analysis that are let through, in the order of the file. */
  allowed: Allowance[];
  /** The migrations that the file stands for. */
  squashes?: Squashed[];
}

/** `-- rehearsal: allow drop-table: nobody reads it`, for the statement directly below. */
export interface Allowance {
  /** As it is written; whether there is such a rule is the analysis's to say, for applied files outlive rules. */
  rule: string;
  /** Empty when none is given: then nothing is allowed. */
  reason: string;
  /** The line of the comment, from 1. */
  line: number;
}

const KNOWN = ["no-transaction", "idempotent", "batch", "allow", "squashes"];
const ANYWHERE = /--[ \t]*rehearsal:/i;
const DIRECTIVE = /^--[ \t]*rehearsal:(.*)$/i;
const ALLOW = /^allow(?:[ \t]+([^\s:]+))?[ \t]*(?::(.*))?$/i;

/** Reads the directives before `firstStatement` (an offset in the text); throws `DirectiveUnknown`, `DirectiveInvalid`, or `DirectiveMisplaced` for one further down, which would be ignored silently. */
export function readDirectives(source: SqlSource, firstStatement: number): Directives {
  const found = new Set<string>();
  const allowed: Allowance[] = [];
  const squashes: Squashed[] = [];
  let batch: BatchDirective | undefined;
  // Most files hold none, and need no second reading.
  if (!ANYWHERE.test(source.sql)) return { noTransaction: false, idempotent: false, allowed };
  for (const { kind, text, start } of lexemes(source.sql)) {
    const directive = kind === "comment" ? DIRECTIVE.exec(text)?.[1]?.trim() : undefined;
    if (directive === undefined) continue;
    const place = { path: source.path, line: lineAt(source.sql, start), directive };
    const allowance = ALLOW.exec(directive);
    if (allowance !== null) {
      allowed.push({ rule: allowance[1] ?? "", reason: (allowance[2] ?? "").trim(), line: place.line });
      continue;
    }
    if (start > firstStatement) throw new RehearsalError("DirectiveMisplaced", place);
    const [word = "", ...rest] = directive.split(/\s+/);
    if (word === "batch") {
      const read = batch
        ? "a file is one batch, and says so once"
        : readBatchDirective(directive.slice(word.length).trim());
      if (typeof read === "string") throw new RehearsalError("DirectiveInvalid", { ...place, problem: read });
      batch = read;
    } else if (word === "squashes") {
      const one = readSquashed(directive.slice(word.length));
      if (one === undefined)
        throw new RehearsalError("DirectiveInvalid", {
          ...place,
          problem: 'it is written "squashes sha256=HEX PATH", one line for each, by "rehearsal squash"',
        });
      squashes.push(one);
    } else if (rest.length > 0 || !KNOWN.includes(word))
      throw new RehearsalError("DirectiveUnknown", { ...place, known: didYouMean(directive, KNOWN) });
    found.add(word);
  }
  return {
    noTransaction: found.has("no-transaction"),
    idempotent: found.has("idempotent"),
    ...(batch && { batch }),
    ...(squashes.length > 0 && { squashes }),
    allowed,
  };
}
