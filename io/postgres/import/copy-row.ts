/** Rows in the text of COPY, and back. */
import type { CopySession } from "../copy.ts";

/** One line. */
export function copyRow(values: readonly (string | null)[]): string {
  let line = "";
  for (const [place, value] of values.entries())
    line += (place > 0 ? "\t" : "") + (value === null ? "\\N" : SPECIAL.test(value) ? escaped(value) : value);
  return `${line}\n`;
}

const SPECIAL = /[\\\t\n\r]/;

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function escaped(value: string): string {
  return value.replace(/[\\\t\n\r]/g, (letter) => ESCAPES[letter] ?? letter);
}

/** Bytes as the stream that COPY takes. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The rows of a query, which are few: as text, null where it is. */
export async function queryRows(session: CopySession, query: string): Promise<(string | null)[][]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of session.copyOut(`copy (${query}) to stdout`)) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8").split("\n").slice(0, -1).map(copyFields);
}

/** The values of a line, which is without its line feed. */
export function copyFields(line: string): (string | null)[] {
  const fields: (string | null)[] = line.split("\t");
  if (line.includes("\\"))
    for (const [place, field] of fields.entries()) fields[place] = unescaped(field ?? "");
  return fields;
}

const LETTERS: Record<string, string> = { t: "\t", n: "\n", r: "\r", b: "\b", f: "\f", v: "\v" };

function unescaped(text: string): string | null {
  return text === "\\N" ? null : text.replace(/\\(.)/gs, (_, letter: string) => LETTERS[letter] ?? letter);
}
