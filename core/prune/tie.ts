/** How a table's rows belong to a record: the shortest way over foreign keys to the root, or the way that a policy names. */
import type { Tie } from "./plan.ts";
import type { PrunableTable, TableKey } from "./tables.ts";

/** What a policy says of a table's way. */
export interface TieRule {
  /** The columns of its foreign key. */
  by?: readonly string[];
  /** The table that the key points at, quoted and qualified. */
  to?: string;
}

/** The way from a table to the root, or why there is none that is meant. */
export function findTie(
  tables: ReadonlyMap<string, PrunableTable>,
  root: PrunableTable,
  table: PrunableTable,
  rules: ReadonlyMap<string, TieRule>,
): Tie | { problem: string } {
  const far = distances(tables, root, rules);
  const hops: Tie["hops"] = [];
  for (let at = table; at !== root; ) {
    const asked = askedOf(at, rules.get(at.quoted));
    const left = Math.min(...asked.map(({ references }) => far.get(references) ?? Number.POSITIVE_INFINITY));
    const [key, other] = asked.filter(({ references }) => far.get(references) === left);
    const to = tables.get(key?.references ?? "");
    if (key === undefined || to === undefined) return { problem: without(table, root, rules.get(at.quoted)) };
    if (other !== undefined)
      return {
        problem: `${key.constraint} and ${other.constraint} of ${at.quoted} lead to ${root.quoted}; say with by: the columns of the one that is meant`,
      };
    hops.push({ key, to });
    at = to;
  }
  return { hops };
}

/** How many keys each table is away from the root. */
function distances(
  tables: ReadonlyMap<string, PrunableTable>,
  root: PrunableTable,
  rules: ReadonlyMap<string, TieRule>,
): Map<string, number> {
  const far = new Map([[root.quoted, 0]]);
  for (let level = 0, found = true; found; level++) {
    found = false;
    for (const table of tables.values()) {
      if (far.has(table.quoted)) continue;
      const near = askedOf(table, rules.get(table.quoted)).some(
        ({ references }) => far.get(references) === level,
      );
      if (!near) continue;
      far.set(table.quoted, level + 1);
      found = true;
    }
  }
  return far;
}

function askedOf(table: PrunableTable, rule: TieRule = {}): TableKey[] {
  return keysOf(table).filter(
    ({ columns, references }) =>
      (rule.by === undefined || sameNames(rule.by, columns)) &&
      (rule.to === undefined || rule.to === references),
  );
}

function without(table: PrunableTable, root: PrunableTable, rule: TieRule = {}): string {
  const asked = [rule.by && ` of the columns ${rule.by.join(", ")}`, rule.to && ` to ${rule.to}`];
  return `no foreign key${asked.filter(Boolean).join("")} leads from ${table.quoted} to ${root.quoted}`;
}

/** Of one table as a whole: a partition's own key says nothing of the rows of others, and two of the same columns are one. */
function keysOf(table: PrunableTable): TableKey[] {
  const seen = new Set<string>();
  return table.foreignKeys.filter(({ on, columns, references, referencedColumns, period }) => {
    const name = JSON.stringify([columns, references, referencedColumns]);
    const own = on.schema === table.schema && on.name === table.name;
    if (!own || period || references === table.quoted || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}
