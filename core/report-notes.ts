/** What a release's files say of the tables whose every change asks for a note, as a section of the report. */
import type { ChangeNote } from "./change-notes.ts";

export const NOTES_TITLE = "Notes on changes";

/** One line per note. */
export function noteLines(notes: readonly ChangeNote[] = []): string[] {
  return notes.map(
    ({ table, wants, path, says }) => `${table} (${path}): ${says ?? `nothing is said; wanted: ${wants}`}`,
  );
}
