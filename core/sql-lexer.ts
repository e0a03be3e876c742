/**
 * SQL text as names, strings and comments: for what the parse tree no longer shows. Follows Postgres' scan.l under
 * standard_conforming_strings = on, and is held to the real scanner by its test; that one needs 170 MB per MB of text.
 */

export interface Lexeme {
  kind: "name" | "string" | "comment" | "other";
  text: string;
  /** Offset in the text, in UTF-16 units. */
  start: number;
}

const SPACE = /\s+/y;
/** Keywords are names here. High bytes are letters to Postgres, whatever Unicode says of them. */
const NAME = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const COMMENT = /--[^\n\r]*/y;
/** What joins two pieces of a string into one: white space with a line break in it. */
const CONTINUED = /[ \t\f\v]*[\n\r]\s*(?=')/y;

/** The lexemes of a text that the parser has accepted, white space left out. */
export function* lexemes(sql: string): Generator<Lexeme> {
  for (let start = 0; start < sql.length; ) {
    const blank = ends(SPACE, sql, start);
    if (blank !== undefined) {
      start = blank;
      continue;
    }
    const [kind, end] = next(sql, start);
    yield { kind, text: sql.slice(start, end), start };
    start = end;
  }
}

function next(sql: string, start: number): [Lexeme["kind"], number] {
  const two = sql.slice(start, start + 2);
  if (two === "--") return ["comment", ends(COMMENT, sql, start) ?? sql.length];
  if (two === "/*") return ["comment", endOfBlockComment(sql, start)];
  if (/^[eE]'/.test(two)) return ["string", endOfString(sql, start + 1, endOfEscaped)];
  if (/^[bBxX]'/.test(two)) return ["string", endOfString(sql, start + 1, endOfBits)];
  if (/^[nN]'/.test(two)) return ["string", endOfString(sql, start + 1, endOfQuotes)];
  if (/^[uU]&['"]/.test(sql.slice(start, start + 3)))
    return sql[start + 2] === "'"
      ? ["string", endOfString(sql, start + 2, endOfQuotes)]
      : ["name", endOfQuotes(sql, start + 2)];
  if (two[0] === "'") return ["string", endOfString(sql, start, endOfQuotes)];
  if (two[0] === '"') return ["name", endOfQuotes(sql, start)];
  const tag = ends(DOLLAR_TAG, sql, start);
  if (tag !== undefined) {
    const close = sql.indexOf(sql.slice(start, tag), tag);
    return ["string", close < 0 ? sql.length : close + tag - start];
  }
  const name = ends(NAME, sql, start);
  if (name !== undefined) return ["name", name];
  return ["other", ends(NUMBER, sql, start) ?? start + 1];
}

/** Where the sticky pattern's match at `start` ends, or undefined. */
function ends(pattern: RegExp, sql: string, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}

/** Block comments nest. */
function endOfBlockComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    const two = sql.slice(at, at + 2);
    if (two === "/*") depth++;
    else if (two === "*/") depth--;
    at += two === "/*" || two === "*/" ? 2 : 1;
    if (depth === 0) return at;
  }
  return sql.length;
}

/** A string with the pieces that continue it, each of which ends by the same rule. */
function endOfString(sql: string, quote: number, endOf: (sql: string, quote: number) => number): number {
  let end = endOf(sql, quote);
  for (let more = ends(CONTINUED, sql, end); more !== undefined; more = ends(CONTINUED, sql, end))
    end = endOf(sql, more);
  return end;
}

/** The end of something between two quotes, where a doubled quote stands for one. */
function endOfQuotes(sql: string, quote: number): number {
  const mark = sql[quote] ?? "";
  for (let at = sql.indexOf(mark, quote + 1); at >= 0; at = sql.indexOf(mark, at + 2))
    if (sql[at + 1] !== mark) return at + 1;
  return sql.length;
}

/** Bit strings know no escapes. */
function endOfBits(sql: string, quote: number): number {
  const close = sql.indexOf("'", quote + 1);
  return close < 0 ? sql.length : close + 1;
}

function endOfEscaped(sql: string, quote: number): number {
  for (let at = quote + 1; at < sql.length; at++) {
    if (sql[at] === "\\") at++;
    else if (sql[at] === "'" && sql[at + 1] === "'") at++;
    else if (sql[at] === "'") return at + 1;
  }
  return sql.length;
}
