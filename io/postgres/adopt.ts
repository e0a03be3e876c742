/** Recording what another tool has applied as if it had been applied here: the rows, and nothing else. */
import type { Session } from "./session.ts";

interface AdoptedFile {
  path: string;
  /** Null for files that run whenever they change. */
  version: number | null;
  sha256: string;
}

/** Takes back what the task has recorded; inside the caller's transaction. */
export async function forgetAdopted(session: Session, task: string): Promise<void> {
  await session.query("delete from rehearsal.applied where promotion = $1", [task]);
}

/** Inserts the rows; inside the caller's transaction. */
export async function recordAdopted(
  session: Session,
  files: readonly AdoptedFile[],
  { release, task }: { release: string; task: string },
): Promise<void> {
  await session.query(
    `insert into rehearsal.applied (path, version, sha256, release, promotion, milliseconds)
      select path, version, sha256, $2, $3, 0
        from json_to_recordset($1::json) as file (path text, version int, sha256 text)`,
    [JSON.stringify(files), release, task],
  );
}
