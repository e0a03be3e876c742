/** Files written for psql, told from plain mistakes: its commands and COPY's data are no SQL, and deserve a better word than "syntax error". */
import { RehearsalError } from "./errors.ts";
import type { SqlSource } from "./sql-source.ts";

/** Looks around a syntax error at `line` and throws `PsqlCommand` or `InlineCopy` when that explains it. */
export function refuseForeignText(source: SqlSource, line: number): void {
  const lines = source.sql.split("\n");
  const here = lines[line - 1]?.trim() ?? "";
  const copy = copyBefore(lines, line);
  if (copy !== undefined)
    throw new RehearsalError("InlineCopy", { path: source.path, line: copy, statement: "COPY FROM STDIN" });
  const command = /(?:^|\s)(\\[a-zA-Z!?.]+)/.exec(here)?.[1];
  if (command !== undefined) throw new RehearsalError("PsqlCommand", { path: source.path, line, command });
}

/** How far back a COPY is looked for, in characters: its data begins right after it. */
const BEFORE = 4_000;

/** The line of a COPY … FROM STDIN that ends right before the line of the error (blank lines between do not count). */
function copyBefore(lines: readonly string[], line: number): number | undefined {
  const before = lines.slice(0, line - 1).join("\n");
  const near = before.slice(-BEFORE);
  const match = /\bcopy\s[^;]*\sfrom\s+stdin\b[^;]*;\s*$/i.exec(near);
  if (match === null) return undefined;
  return line - near.slice(match.index).split("\n").length;
}
