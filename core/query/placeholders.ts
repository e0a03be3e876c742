/** Where a query's text names its parameters: `:name`, and never a cast, a slice, a string or a comment. */
import { type Lexeme, lexemes } from "../sql-lexer.ts";

export interface Placeholder {
  name: string;
  /** Offsets in the text, the colon included. */
  start: number;
  end: number;
}

/**
 * Every `:name` that stands where a value may: a colon directly behind an operand parts a slice (`a[i:j]`) or a key from
 * its value (`json_object('a':b)`), two are a cast. "$1" is told as well, for numbers are not given by hand.
 */
export function findPlaceholders(sql: string): { placeholders: Placeholder[]; numbered: number | undefined } {
  const placeholders: Placeholder[] = [];
  const all = [...lexemes(sql)];
  let numbered: number | undefined;
  for (const [index, { kind, text, start }] of all.entries()) {
    if (kind !== "other" || (text !== ":" && text !== "$")) continue;
    const next = all[index + 1];
    if (next === undefined || next.start !== start + 1) continue;
    if (text === "$") {
      if (/^\d/.test(next.text)) numbered ??= start;
      continue;
    }
    const before = all[index - 1];
    const touches = before !== undefined && before.start + before.text.length === start;
    if (touches && isOperand(before)) continue;
    if (next.kind !== "name") continue;
    placeholders.push({ name: next.text, start, end: next.start + next.text.length });
  }
  return { placeholders, numbered };
}

/** What a value, or the first colon of a cast, ends with. */
function isOperand({ kind, text }: Lexeme): boolean {
  return kind === "name" || kind === "string" || (kind === "other" && /^[\d)\]:]/.test(text));
}

/** The text with each placeholder replaced by what `written` makes of it. */
export function replacePlaceholders(
  sql: string,
  placeholders: readonly Placeholder[],
  written: (placeholder: Placeholder) => string,
): string {
  let result = "";
  let at = 0;
  for (const placeholder of placeholders) {
    result += sql.slice(at, placeholder.start) + written(placeholder);
    at = placeholder.end;
  }
  return result + sql.slice(at);
}
