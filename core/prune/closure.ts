/** Which rows of a record may go: those at which nothing that stays points, closed until nothing more stays. */

/** A row that belongs to a record and meets its rule. */
export interface TiedRow {
  /** Of the plan's pruned tables, as an index. */
  table: number;
  /** The primary key's texts. */
  key: readonly string[];
  /** sha256, in hex, of all its values. */
  sha256: string;
  /** The key of the row with which it goes, of `goesWith`'s table; null where that is not tied to the record. */
  goesWith?: readonly string[] | null;
  object?: NamedObject;
  /** Why it stays whatever points at it. */
  stays?: string;
}

/** An object as a row names it. */
interface NamedObject {
  key: string;
  sha256: string | null;
  bytes: number | null;
}

/** Of one record, as it was read. */
export interface RecordRows {
  rows: readonly TiedRow[];
  /** A row, by what it is pointed at: `from` where that is a row of a pruned table, which may go itself. */
  pointers: readonly { to: RowName; from?: RowName; by: number }[];
  /** A row that a payload names. */
  references: readonly { to: RowName; by: number }[];
}

export interface RowName {
  table: number;
  key: readonly string[];
}

export type Because =
  | { pointer: number; from?: RowName }
  | { reference: number }
  | { with: RowName | null }
  | { says: string };

interface Closure {
  going: TiedRow[];
  kept: { row: TiedRow; because: Because }[];
}

/** The rows that may go are as many as may: a row stays only because of one that stays. */
export function closeOver(
  { rows, pointers, references }: RecordRows,
  goesWith: readonly (number | undefined)[],
): Closure {
  const tied = new Map(rows.map((row) => [nameOf(row), row]));
  const kept = new Map<string, Because>();
  const queue: string[] = [];
  const keep = (name: string, because: Because) => {
    if (!tied.has(name) || kept.has(name)) return;
    kept.set(name, because);
    queue.push(name);
  };
  /** What stays with a row that does. */
  const pulled = new Map<string, [name: string, because: Because][]>();
  const pull = (from: string, name: string, because: Because) => {
    const known = pulled.get(from);
    if (known === undefined) pulled.set(from, [[name, because]]);
    else known.push([name, because]);
  };
  for (const [name, row] of tied) {
    if (row.stays !== undefined) keep(name, { says: row.stays });
    const table = goesWith[row.table];
    if (table === undefined) continue;
    const parent = row.goesWith ? { table, key: row.goesWith } : null;
    if (parent === null || !tied.has(nameOf(parent))) keep(name, { with: parent });
    else pull(nameOf(parent), name, { with: parent });
  }
  for (const { to, by } of references) keep(nameOf(to), { reference: by });
  for (const { to, from, by } of pointers) {
    const because = { pointer: by, ...(from && { from }) };
    if (from === undefined || !tied.has(nameOf(from))) keep(nameOf(to), because);
    else pull(nameOf(from), nameOf(to), because);
  }
  for (let name = queue.pop(); name !== undefined; name = queue.pop())
    for (const [other, because] of pulled.get(name) ?? []) keep(other, because);
  return {
    going: [...tied].flatMap(([name, row]) => (kept.has(name) ? [] : [row])),
    kept: [...kept].flatMap(([name, because]) => {
      const row = tied.get(name);
      return row === undefined ? [] : [{ row, because }];
    }),
  };
}

/** A row by its table and key. */
export function nameOf({ table, key }: RowName): string {
  return `${table} ${JSON.stringify(key)}`;
}

/**
 * Why rows may not go, were they to go and all others to stay: what stays and points at one of them, or undefined. The proof of a
 * deletion, from what was read inside its transaction.
 */
export function whyNot(
  going: readonly TiedRow[],
  now: RecordRows,
  goesWith: readonly (number | undefined)[],
): { row: RowName; because: Because } | undefined {
  const leaving = new Set(going.map(nameOf));
  const standing = new Map(now.rows.map((row) => [nameOf(row), row]));
  for (const row of going) {
    const found = standing.get(nameOf(row));
    if (found === undefined) return { row, because: { says: "it is gone, or no longer of this record" } };
    if (found.sha256 !== row.sha256) return { row, because: { says: "it was changed" } };
    if (found.stays !== undefined) return { row, because: { says: found.stays } };
    const table = goesWith[row.table];
    if (table === undefined) continue;
    const parent = found.goesWith ? { table, key: found.goesWith } : null;
    if (parent === null || !leaving.has(nameOf(parent))) return { row, because: { with: parent } };
  }
  for (const { to, by } of now.references)
    if (leaving.has(nameOf(to))) return { row: to, because: { reference: by } };
  for (const { to, from, by } of now.pointers)
    if (leaving.has(nameOf(to)) && (from === undefined || !leaving.has(nameOf(from))))
      return { row: to, because: { pointer: by, ...(from && { from }) } };
  return undefined;
}
