/** What a release really changed, held against what its data plans name: cascades, triggers and functions reach further than the SQL says. */
import type { DataPlan } from "./data-plan.ts";
import { quoteQualified } from "./names.ts";
import { mayBeSame, readName, writeName } from "./plain-name.ts";
import type { RunMeasure } from "./report.ts";
import type { Shape } from "./shape.ts";

export interface Effects {
  before: Shape;
  after: Shape;
  runs: readonly Pick<RunMeasure, "transactional" | "changed">[];
}

/** A table or column that stood before the release, and what became of it. */
interface Changed {
  name: readonly string[];
  what: "rows updated or deleted" | "dropped";
}

/** What was changed or dropped and no plan names, in people's words; empty when the plans name it all. */
export function unplannedEffects(effects: Effects, plans: readonly DataPlan[]): string[] {
  const named = plans.flatMap(({ statements, reaches }) => [
    ...statements.flatMap(({ objects }) => objects),
    ...reaches,
  ]);
  const names = named.map((name) => readName(name) ?? []);
  return effectsOf(effects)
    .filter(({ name }) => !names.some((one) => covers(one, name)))
    .map(({ name, what }) => `${writeName(name)} (${what})`);
}

/** The names that a plan says are reached, and that nothing reached; only runs in a transaction are counted, so none where one was not. */
export function unreached(effects: Effects, { reaches }: DataPlan): string[] {
  if (effects.runs.some(({ transactional }) => !transactional)) return [];
  const changed = effectsOf(effects);
  return reaches.filter((name) => !changed.some((one) => covers(readName(name) ?? [], one.name)));
}

/** True for the object itself and for the table that it is a column of. */
function covers(planned: readonly string[], name: readonly string[]): boolean {
  return mayBeSame(planned, name) || (name.length > 2 && mayBeSame(planned, name.slice(0, -1)));
}

interface TableFacts {
  schema: string;
  name: string;
  columns: Record<string, unknown>;
  /** The parent's address without its word, where it is a partition. */
  partitionOf?: string;
}

function effectsOf({ before, after, runs }: Effects): Changed[] {
  const changed: Changed[] = [];
  for (const [address, facts] of tablesOf(before)) {
    // What happens to a partition is told of the table that it is a part of.
    const name =
      facts.partitionOf === undefined ? [facts.schema, facts.name] : (readName(facts.partitionOf) ?? []);
    const counts = runs.flatMap((run) => run.changed[quoteQualified(facts.schema, facts.name)] ?? []);
    if (counts.some(({ updated, deleted }) => updated + deleted > 0))
      changed.push({ name, what: "rows updated or deleted" });
    const still = after.objects[address] as unknown as TableFacts | undefined;
    if (still === undefined) changed.push({ name, what: "dropped" });
    else
      for (const column of Object.keys(facts.columns))
        if (!Object.hasOwn(still.columns, column)) changed.push({ name: [...name, column], what: "dropped" });
  }
  return changed;
}

function tablesOf({ objects }: Shape): [address: string, facts: TableFacts][] {
  return Object.entries(objects).flatMap(([address, facts]) =>
    address.startsWith("table ") ? [[address, facts as unknown as TableFacts]] : [],
  );
}
