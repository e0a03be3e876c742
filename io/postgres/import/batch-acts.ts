/** The act of a batch: what triggers ask for, and what its transaction has counted, so that whoever comes later knows what was done. */
import type { SetLayout } from "../../../core/import/layout.ts";
import { quoteLiteral } from "../../../core/names.ts";
import type { CopySession } from "../copy.ts";

/** Of a task's attempt, by the first record of the batch. */
export interface ActOf {
  task: string;
  record: string;
}

/** Stands before the first row is written. */
export async function beginAct(session: CopySession, { task, record }: ActOf): Promise<void> {
  await session.execute(
    `insert into rehearsal.acts (kind, id, record) values ('import', ${quoteLiteral(task)}, ${quoteLiteral(record)})
      on conflict (kind, id, record) do update set facts = default, xid = default, at = default`,
  );
}

/** Notes what the batch wrote, by the names of the sets. */
export async function noteDone(
  session: CopySession,
  { task, record }: ActOf,
  layout: readonly SetLayout[],
  { inserted, updated }: { inserted: readonly number[]; updated: readonly number[] },
): Promise<void> {
  const rows = layout.map(({ name }, index) => [name, [inserted[index] ?? 0, updated[index] ?? 0]]);
  const facts = JSON.stringify({ rows: Object.fromEntries(rows) });
  await session.execute(
    `update rehearsal.acts set facts = ${quoteLiteral(facts)}::jsonb
      where kind = 'import' and id = ${quoteLiteral(task)} and record = ${quoteLiteral(record)}`,
  );
}

/** The sums over all of a task's acts. */
export async function readDone(
  session: CopySession,
  task: string,
  layout: readonly SetLayout[],
): Promise<Map<string, { inserted: number; updated: number }>> {
  const done = new Map<string, { inserted: number; updated: number }>();
  for (const { name } of layout) {
    const of = (place: number) =>
      `coalesce(sum((facts->'rows'->${quoteLiteral(name)}->>${place})::bigint), 0)`;
    const [inserted, updated] = await session.readRow(
      `select ${of(0)}, ${of(1)} from rehearsal.acts where kind = 'import' and id = ${quoteLiteral(task)}`,
    );
    done.set(name, { inserted: Number(inserted), updated: Number(updated) });
  }
  return done;
}
