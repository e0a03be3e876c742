/** What a release left as it was: the kept columns of every table on the copy, held against the untouched one. */
import type { Baseline } from "../core/baseline.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import type { Session } from "../io/postgres/session.ts";

export interface Holder {
  session: Session;
  /** What it holds, all columns. */
  known: Baseline;
}

export interface KeptContent {
  unchanged: string[];
  /** Tables by quoted qualified name, with their rows. */
  changed: { table: string; before: number; after: number }[];
}

/** Compares the columns of each table that is named. */
export async function compareKept(
  pristine: Holder,
  copy: Holder,
  kept: Record<string, string[]>,
): Promise<KeptContent> {
  const before = await readKept(pristine, kept);
  const after = await readKept(copy, kept);
  const content: KeptContent = { unchanged: [], changed: [] };
  for (const table of Object.keys(before.tables).sort())
    if (sameContent(before, after, table)) content.unchanged.push(table);
    else
      content.changed.push({
        table,
        before: before.tables[table]?.rows ?? 0,
        after: after.tables[table]?.rows ?? 0,
      });
  return content;
}

export function sameContent(a: Baseline, b: Baseline, table: string): boolean {
  const [left, right] = [a.tables[table], b.tables[table]];
  return left?.rows === right?.rows && left?.checksum === right?.checksum;
}

/** A table whose columns are all kept was read before, unless its rows may lie in other partitions here. */
async function readKept({ session, known }: Holder, columns: Record<string, string[]>): Promise<Baseline> {
  const isRead = (name: string) => {
    const table = known.tables[name];
    return table?.partOf === undefined && JSON.stringify(table?.columns) === JSON.stringify(columns[name]);
  };
  const names = Object.keys(columns);
  const read = await readBaseline(session, { columns, tables: names.filter((name) => !isRead(name)) });
  const whole = names.filter(isRead).map((name) => [name, known.tables[name]]);
  return { ...read, tables: { ...Object.fromEntries(whole), ...read.tables } };
}
