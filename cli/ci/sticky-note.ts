/** The one note of a change: found by its mark through all pages, and written over instead of repeated. */
import { sha256 } from "../../core/digest.ts";
import type { Board } from "./pipeline.ts";

/** Invisible where notes are shown; of names that somebody chose only a hash stands in it. */
export function markOf(environment: string, project: string): string {
  return `<!-- rehearsal ${sha256(`${environment}\n${project}`).slice(0, 16)} -->`;
}

/** Throws `NoteRefused`. Only a note that begins with the mark and may be our own is written over. */
export async function stick(board: Board, mark: string, markdown: string): Promise<void> {
  const body = `${mark}\n${markdown}`;
  for await (const note of board.notes()) {
    if (!note.own || !note.body.startsWith(mark)) continue;
    if (note.body.trim() !== body.trim()) await board.update(note.id, body);
    return;
  }
  await board.create(body);
}
