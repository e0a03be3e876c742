/** A file of SQL as it came: bytes proved to be text, the text the parser sees, and places in it as people count them. */
import { sha256 } from "./digest.ts";
import { RehearsalError } from "./errors.ts";
import { FILE_BYTES } from "./release-limits.ts";

export interface SqlSource {
  path: string;
  /** sha256 of the raw bytes, the byte-order mark and CRLF included. */
  sha256: string;
  /** The text without byte-order mark; line ends as they are. */
  sql: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads a file's bytes as SQL text; throws `FileTooLarge`, or `SqlNotText` on a NUL byte (it would hide the rest from the parser) and on invalid UTF-8. */
export function readSqlSource(path: string, bytes: Uint8Array): SqlSource {
  if (bytes.length > FILE_BYTES)
    throw new RehearsalError("FileTooLarge", { path, size: bytes.length, limit: FILE_BYTES });
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw new RehearsalError("SqlNotText", {
      path,
      line: lineOfByte(bytes, nul),
      reason: `byte ${nul} is NUL`,
    });
  try {
    return { path, sha256: sha256(bytes), sql: decoder.decode(bytes) };
  } catch (cause) {
    const bad = firstInvalidByte(bytes);
    throw new RehearsalError(
      "SqlNotText",
      { path, line: lineOfByte(bytes, bad), reason: `byte ${bad} cannot stand there` },
      { cause },
    );
  }
}

/** Line and column, from 1, of a place given as a count of code points, which is how Postgres counts. */
export function placeOfCodePoint(sql: string, codePoints: number): { line: number; column: number } {
  let line = 1;
  let column = 1;
  let left = codePoints;
  for (const character of sql) {
    if (left-- <= 0) break;
    if (character === "\n") {
      line++;
      column = 1;
    } else column++;
  }
  return { line, column };
}

/** The line, from 1, of an offset in UTF-16 units. */
export function lineAt(sql: string, offset: number): number {
  let line = 1;
  for (let at = sql.indexOf("\n"); at >= 0 && at < offset; at = sql.indexOf("\n", at + 1)) line++;
  return line;
}

function lineOfByte(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) line++;
  return line;
}

/** By halves: a prefix is good when it decodes as a stream, where an unfinished last character is no error. */
function firstInvalidByte(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (decodes(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
