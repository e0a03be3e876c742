/** What the names in a plan mean in a database: where they leave out the schema, the search path finds it. */
import type { Shape } from "./shape.ts";

/** Reads a name as the whole one, schema first, that the server would find; undefined for what does not stand there. */
export type WholeName = (name: readonly string[]) => readonly string[] | undefined;

interface Relation {
  schema: string;
  name: string;
  columns?: Record<string, unknown>;
}

/** Whole names by that shape: a table before a column, where a name could be either. */
export function wholeNames({ objects }: Shape, searchPath: readonly string[]): WholeName {
  const relations = new Map<string, Relation>();
  for (const [address, facts] of Object.entries(objects)) {
    if (!/^(foreign |materialized )?(table|view|sequence) /.test(address)) continue;
    const relation = facts as unknown as Relation;
    relations.set(JSON.stringify([relation.schema, relation.name]), relation);
  }
  const at = (schema: string, name: string) => relations.get(JSON.stringify([schema, name]));
  const found = (name: string) => searchPath.flatMap((schema) => at(schema, name) ?? []).at(0);
  return (name) => {
    const [first = "", second = "", ...rest] = name;
    if (name.length === 1) {
      const relation = found(first);
      return relation && [relation.schema, relation.name];
    }
    if (at(first, second) !== undefined) return name;
    const relation = found(first);
    if (rest.length > 0 || relation === undefined || !Object.hasOwn(relation.columns ?? {}, second))
      return undefined;
    return [relation.schema, relation.name, second];
  };
}
