/** What of a statement may depend on how rows happen to lie on disk, as far as its text tells. */

import { parseFragment } from "./sql-parser.ts";
import { asList, asText, nameParts, walk } from "./sql-tree.ts";
import type { Statement } from "./statement.ts";

/** What a statement names, without schemas, and why it cannot be told whether it does the same each time. */
export interface Reading {
  relations: string[];
  functions: string[];
  /** Absent where nothing stands against a proof. */
  problem?: string;
}

/** Sequences tell each caller something else, and remember across copies what no table shows. */
const COUNTING = ["nextval", "currval", "lastval", "setval"];

export function readingOf({ sql, kind, touches }: Pick<Statement, "sql" | "kind" | "touches">): Reading {
  const relations = new Set<string>();
  const functions = new Set<string>();
  let problem: string | undefined;
  if (kind === "DoStmt" || touches.opaque) problem = "what it runs is put together elsewhere";
  walk(
    (parseFragment(sql) ?? []).map(({ fields }) => fields),
    (fields, node) => {
      const relation = asText(fields.relname);
      if (relation !== undefined) relations.add(relation);
      const called = node === "FuncCall" ? nameParts(fields.funcname).at(-1) : undefined;
      if (called !== undefined) functions.add(called);
      if (called !== undefined && COUNTING.includes(called)) problem = `it calls ${called}()`;
      if (node === "RangeTableSample") problem = "it has TABLESAMPLE";
      if (asList(fields.sortClause).length > 0) return;
      if (fields.limitCount !== undefined || fields.limitOffset !== undefined)
        problem = "it has LIMIT without ORDER BY";
      // DISTINCT alone is a list of one empty node.
      if (asList(fields.distinctClause).some((on) => nonEmpty(on)))
        problem = "it has DISTINCT ON without ORDER BY";
    },
  );
  return {
    relations: [...relations].sort(),
    functions: [...functions].sort(),
    ...(problem !== undefined && { problem }),
  };
}

function nonEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
