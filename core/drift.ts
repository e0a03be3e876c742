/** Drift: what of a database's shape is promised at all, for some objects come and go by others' doing. */
import { fits } from "./configuration.ts";
import type { Shape } from "./shape.ts";
import { namesOf, parseAddress, tableOfIndex } from "./shape-names.ts";

/**
 * A shape without the objects whose addresses fit a pattern (`table public.events_p*`), and without what stands on a table
 * or view that does: its constraints, indexes, triggers, rules, policies, and the sequences of its columns.
 */
export function withoutIgnored(shape: Shape, patterns: readonly string[]): Shape {
  if (patterns.length === 0) return shape;
  const entries = Object.entries(shape.objects).map(([address, facts]) => ({
    ...{ address, facts: facts as unknown as Facts, parsed: parseAddress(address) },
    ignored: patterns.some((pattern) => fits(pattern, address)),
  }));
  const keyOf = (name: readonly string[]) => JSON.stringify(name.slice(0, 2));
  const tables = new Set(
    entries.flatMap(({ ignored, parsed }) =>
      ignored && parsed !== undefined && /\b(table|view)$/.test(parsed.word) ? [keyOf(parsed.name)] : [],
    ),
  );
  const constraints = new Map(
    entries.flatMap(({ parsed }) => {
      const [schema] = parsed?.on ?? [];
      if (parsed?.word !== "constraint" || parsed.on === null || schema === undefined) return [];
      return [[keyOf([schema, parsed.name[0] ?? ""]), keyOf(parsed.on)] as const];
    }),
  );
  const standsOn = ({ facts, parsed }: (typeof entries)[number]): string | undefined => {
    if (parsed === undefined) return undefined;
    if (parsed.on !== null) return keyOf(parsed.on);
    if (parsed.word === "index")
      return facts.constraint === undefined
        ? keyOf(tableOfIndex(facts.definition ?? "") ?? [])
        : constraints.get(keyOf([parsed.name[0] ?? "", facts.constraint]));
    const column = facts.ownedBy ?? facts.identityOf;
    return parsed.word === "sequence" && column !== undefined ? keyOf(namesOf(column)) : undefined;
  };
  return {
    format: shape.format,
    objects: Object.fromEntries(
      entries
        .filter((entry) => !entry.ignored && !tables.has(standsOn(entry) ?? ""))
        .map(({ address }) => [address, shape.objects[address] ?? null]),
    ),
  };
}

interface Facts {
  definition?: string;
  constraint?: string;
  ownedBy?: string;
  identityOf?: string;
}
