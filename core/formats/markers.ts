/** Comments that steer a tool, told by the lexer: what only looks like one, in a string or a body, is none. */
import { RehearsalError } from "../errors.ts";
import { lexemes } from "../sql-lexer.ts";
import { lineAt, type SqlSource } from "../sql-source.ts";
import type { FormatName } from "./format.ts";

export interface Marker {
  /** What the pattern matched. */
  match: RegExpExecArray;
  /** Offsets of the comment in the text. */
  start: number;
  end: number;
}

/** The line comments that match, in order; `first` wants them to be the first thing on their line. */
export function markers(sql: string, pattern: RegExp, { first = true } = {}): Marker[] {
  // Most files hold none, and need no second reading.
  if (!sql.includes("--")) return [];
  const found: Marker[] = [];
  for (const { kind, text, start } of lexemes(sql)) {
    if (kind !== "comment" || !text.startsWith("--")) continue;
    const match = pattern.exec(text);
    if (match === null || (first && !isFirstOnLine(sql, start))) continue;
    found.push({ match, start, end: start + text.length });
  }
  return found;
}

function isFirstOnLine(sql: string, start: number): boolean {
  return /(?:^|[\n\r])[ \t]*$/.test(sql.slice(Math.max(0, start - 200), start));
}

/** The text with a piece of it blank: lines and columns stay where they are. */
export function blank(sql: string, from: number, to: number): string {
  return sql.slice(0, from) + sql.slice(from, to).replace(/[^\n\r]/g, " ") + sql.slice(to);
}

/** The offset of the first thing in the text that is no comment, or undefined when there is none. */
export function firstCode(sql: string): number | undefined {
  for (const { kind, start } of lexemes(sql)) if (kind !== "comment") return start;
  return undefined;
}

/** The refusal of a file that breaks its format's own rules, at an offset in its text. */
export function broken(
  format: FormatName,
  { path, sql }: Pick<SqlSource, "path" | "sql">,
  at: number,
  problem: string,
  mend: string,
): RehearsalError {
  return new RehearsalError("SequenceBroken", { format, path, line: lineAt(sql, at), problem, mend });
}

/** Throws `PlaceholderRefused` when the pattern stands outside of comments: its tool would put another text there. */
export function refusePlaceholders(source: SqlSource, pattern: RegExp): void {
  if (!pattern.test(source.sql)) return;
  const comments = [...lexemes(source.sql)].filter(({ kind }) => kind === "comment");
  for (const match of source.sql.matchAll(new RegExp(pattern, "g"))) {
    const inComment = comments.some(
      ({ start, text }) => start <= match.index && match.index < start + text.length,
    );
    if (!inComment)
      throw new RehearsalError("PlaceholderRefused", {
        path: source.path,
        line: lineAt(source.sql, match.index),
        placeholder: match[0],
      });
  }
}
