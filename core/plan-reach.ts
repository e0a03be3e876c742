/** What a release really changed, held against what its data plans name: cascades, triggers and functions reach further than the SQL says. */
import { readsAs } from "./baseline.ts";
import { type DataPlan, LARGE_OBJECTS } from "./data-plan.ts";
import { quoteQualified } from "./names.ts";
import { readName, writeName } from "./plain-name.ts";
import { wholeNames } from "./plan-names.ts";
import type { RunMeasure } from "./report.ts";
import type { Shape } from "./shape.ts";

export interface Effects {
  /** Whole shapes: what the policy ignores can be lost like anything else. */
  before: Shape;
  after: Shape;
  searchPath: readonly string[];
  /** What each file did in its transaction. */
  writes: readonly FileWrites[];
  /** False where some file could write rows outside a transaction, where the server counts for no single session. */
  counted: boolean;
  /** Tables whose kept columns hold something else now. */
  content: readonly ContentChange[];
  /** Large objects are fewer, others, or more. */
  largeObjects: boolean;
  /** Whether a plan is about the file at that path. */
  isAbout: (plan: DataPlan, path: string) => boolean;
}

export interface FileWrites {
  path: string;
  /** By quoted qualified name. */
  changed: RunMeasure["changed"];
  /** Relations whose file on disk was replaced, by quoted qualified name. */
  rewritten: readonly string[];
}

export interface ContentChange {
  /** Quoted and qualified. */
  table: string;
  before: number;
  after: number;
  /** It is the table that stood before, in the same file, its kept columns in the same places: nobody has emptied, rewritten or replaced it. */
  same: boolean;
}

/** A table or column that stood before the release, or the large objects, and what became of it. */
interface Changed {
  name: readonly string[];
  /** The names under which a plan may mean it: itself, its table, what it is a partition of. */
  within: readonly (readonly string[])[];
  what: string;
  /** The file that did it, where that is known: only a plan of its own speaks for it. */
  by?: string;
}

/** What was changed or dropped and no plan names, in people's words; empty when the plans name it all. */
export function unplannedEffects(effects: Effects, plans: readonly DataPlan[]): string[] {
  const named = plans.map((plan) => ({ plan, names: namedBy(effects, plan) }));
  const unplanned = effectsOf(effects).filter(
    ({ within, by }) =>
      !named.some(
        ({ plan, names }) =>
          (by === undefined || effects.isAbout(plan, by)) && within.some((one) => names.has(keyOf(one))),
      ),
  );
  return [...new Set(unplanned.map(told))];
}

/** The names that a plan says are reached, and that nothing reached; none where not everything was counted. */
export function unreached(effects: Effects, { reaches }: DataPlan): string[] {
  if (!effects.counted) return [];
  const whole = wholeNames(effects.before, effects.searchPath);
  const reached = new Set(effectsOf(effects).flatMap(({ within }) => within.map(keyOf)));
  return reaches.filter((name) => {
    const parts = name === LARGE_OBJECTS ? [LARGE_OBJECTS] : whole(readName(name) ?? []);
    return parts === undefined || !reached.has(keyOf(parts));
  });
}

/** The columns that plans name, by quoted qualified table: what of a table may hold something else without the table being named. */
export function plannedColumns(
  effects: Pick<Effects, "before" | "searchPath">,
  plans: readonly DataPlan[],
): Map<string, Set<string>> {
  const columns = new Map<string, Set<string>>();
  for (const key of plans.flatMap((plan) => [...namedBy(effects, plan)])) {
    const [schema = "", table = "", column] = JSON.parse(key) as string[];
    if (column === undefined) continue;
    const own = quoteQualified(schema, table);
    columns.set(own, (columns.get(own) ?? new Set()).add(column));
  }
  return columns;
}

function namedBy(
  { before, searchPath }: Pick<Effects, "before" | "searchPath">,
  { statements, reaches }: DataPlan,
): Set<string> {
  const whole = wholeNames(before, searchPath);
  const names = [...statements.flatMap(({ objects }) => objects), ...reaches];
  return new Set(
    names.flatMap((name) => {
      const parts = name === LARGE_OBJECTS ? [LARGE_OBJECTS] : whole(readName(name) ?? []);
      return parts === undefined ? [] : [keyOf(parts)];
    }),
  );
}

const keyOf = (name: readonly string[]) => JSON.stringify(name);

function told({ name, what }: Changed): string {
  return name[0] === LARGE_OBJECTS ? `${LARGE_OBJECTS} (${what})` : `${writeName(name)} (${what})`;
}

interface TableFacts {
  schema: string;
  name: string;
  columns: Record<string, { type: string; default?: string; generated?: string }>;
  /** The parent's address without its word, where it is a partition. */
  partitionOf?: string;
}

function effectsOf(effects: Effects): Changed[] {
  const { before, after, writes, content } = effects;
  const tables = new Map(tablesOf(before));
  const changed: Changed[] = [];
  for (const [address, facts] of tables) {
    const own = [facts.schema, facts.name];
    const above = ancestorsOf(facts, tables);
    const within = [own, ...above];
    // What happens to a partition is told of the table that it is a part of.
    const name = above[0] ?? own;
    const quoted = quoteQualified(facts.schema, facts.name);
    for (const { path, changed: counts } of writes)
      if (rowsLost(counts[quoted]) > 0)
        changed.push({ name, within, what: "rows updated or deleted", by: path });
    const other = content.find(({ table }) => table === quoted);
    if (other !== undefined && !isExplained(other, effects)) changed.push(...ofContent(other, name, within));
    const still = after.objects[address] as unknown as TableFacts | undefined;
    if (still === undefined) changed.push({ name, within, what: "dropped" });
    else
      for (const [column, was] of Object.entries(facts.columns)) {
        const is = Object.hasOwn(still.columns, column) ? still.columns[column] : undefined;
        if (is !== undefined && readsAs(is) === readsAs(was)) continue;
        const names = within.flatMap((table) => [table, [...table, column]]);
        const what = is === undefined ? "dropped" : "of another type";
        changed.push({ name: [...name, column], within: names, what });
      }
  }
  if (effects.largeObjects)
    changed.push({ name: [LARGE_OBJECTS], within: [[LARGE_OBJECTS]], what: "not what they were" });
  return changed;

  /** By the file that put another in the place of the table's own, where one is known. */
  function ofContent({ table, before: rows, after: now }: ContentChange, name: string[], within: string[][]) {
    const what = `holds something else: ${rows} rows before, ${now} after`;
    const files = writes.filter(({ rewritten }) => rewritten.includes(table));
    return files.length === 0
      ? [{ name, within, what }]
      : files.map(({ path: by }) => ({ name, within, what, by }));
  }
}

/** True when rows were only added, or when what was updated and deleted is counted, and that is all. */
function isExplained({ table, before, after, same }: ContentChange, { counted, writes }: Effects): boolean {
  if (before === 0) return true;
  if (!counted || !same) return false;
  const counts = writes.flatMap(({ changed }) => changed[table] ?? []);
  if (counts.some((count) => rowsLost(count) > 0)) return true;
  const inserted = counts.reduce((sum, count) => sum + count.inserted, 0);
  return inserted > 0 && after - before === inserted;
}

function rowsLost(counts: RunMeasure["changed"][string] | undefined): number {
  return counts === undefined ? 0 : counts.updated + counts.deleted;
}

/** The tables that it is a partition of, the nearest first. */
function ancestorsOf({ partitionOf }: TableFacts, tables: ReadonlyMap<string, TableFacts>): string[][] {
  if (partitionOf === undefined) return [];
  const parent = tables.get(`table ${partitionOf}`);
  return [readName(partitionOf) ?? [], ...(parent === undefined ? [] : ancestorsOf(parent, tables))];
}

function tablesOf({ objects }: Shape): [address: string, facts: TableFacts][] {
  return Object.entries(objects).flatMap(([address, facts]) =>
    address.startsWith("table ") ? [[address, facts as unknown as TableFacts]] : [],
  );
}
