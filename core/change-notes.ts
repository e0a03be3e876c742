/** Tables whose every change asks for a note: which files change them, and what these say of it at their top. */
import type { Inventory } from "./inventory.ts";
import { LOCK_MODES } from "./lock-modes.ts";
import { quoteName, quoteQualified } from "./names.ts";
import { lexemes } from "./sql-lexer.ts";

export interface ChangeNote {
  /** The table as the inventory names it, and what the inventory wants said. */
  table: string;
  wants: string;
  path: string;
  /** What the file says at its top; null when that does not speak of the table. */
  says: string | null;
}

export interface ChangingFile {
  path: string;
  sql: string;
  /** Relations quoted, and qualified where the file or the server qualifies them. */
  locks: readonly { relation: string; mode: string }[];
  /** What is said elsewhere of this file: the notes of its data plan. */
  notes?: readonly string[];
}

/** One entry for each table with `notesOnChange` and each file that takes a writer's lock on it, or a stronger one. */
export function changeNotes(inventory: Inventory, files: readonly ChangingFile[]): ChangeNote[] {
  return (inventory.tables ?? []).flatMap(({ key, schema, name, notesOnChange: wants }) => {
    if (wants === undefined) return [];
    const names = [quoteQualified(schema, name), quoteName(name)];
    return files
      .filter(({ locks }) => locks.some(({ relation, mode }) => names.includes(relation) && changes(mode)))
      .map(({ path, sql, notes = [] }) => {
        const said = [topComment(sql), ...notes].filter((text) => speaksOf(text, [key, name]));
        return { table: key, wants, path, says: said.length === 0 ? null : said.join(" ") };
      });
  });
}

const WRITING = LOCK_MODES.indexOf("RowExclusiveLock");

const changes = (mode: string) => (LOCK_MODES as readonly string[]).indexOf(mode) >= WRITING;

/** The comment before the first statement as one line, without what is said to Rehearsal. */
function topComment(sql: string): string {
  const lines: string[] = [];
  for (const { kind, text } of lexemes(sql)) {
    if (kind !== "comment") break;
    if (!/^--[ \t]*rehearsal:/i.test(text)) lines.push(text.replaceAll(/^(--+|\/\*+)|\*+\/$/g, "").trim());
  }
  return lines.join(" ").replaceAll(/\s+/g, " ").trim();
}

/** True when one of the names stands in the text as a word. */
function speaksOf(text: string, names: readonly string[]): boolean {
  return names.some((name) => {
    const at = text.toLowerCase().indexOf(name.toLowerCase());
    return (
      at >= 0 &&
      !/[\p{L}\p{N}_]/u.test(text[at - 1] ?? "") &&
      !/[\p{L}\p{N}_]/u.test(text[at + name.length] ?? "")
    );
  });
}
