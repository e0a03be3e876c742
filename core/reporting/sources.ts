/** What a report reads, as far as the text of its release tells: through views, functions, CTEs and subqueries. What it does not tell the server does, when the report runs. */
import { RehearsalError } from "../errors.ts";
import { functionBodies, type SqlNode } from "../function-bodies.ts";
import { mayBeSame } from "../plain-name.ts";
import { parseSql } from "../sql-parser.ts";
import { asText, isTree, nameParts, walk } from "../sql-tree.ts";

/** A table that a retention policy prunes. */
export interface PrunedTable {
  policy: string;
  /** As parts: schema, where it is said, and name. */
  table: string[];
}

/** What stands behind a name, and is read with it: a view's tables, a function's. */
interface Definition {
  name: string[];
  kind: "view" | "function";
  reads: Reads;
}

interface Reads {
  relations: string[][];
  calls: string[][];
}

/** The views and functions that these statements make, the later of a name last. */
export function definitionsOf(statements: readonly SqlNode[]): Definition[] {
  return statements.flatMap((statement): Definition[] => {
    const { kind, fields } = statement;
    if (kind === "ViewStmt")
      return [{ name: rangeParts(fields.view), kind: "view", reads: readsOf(fields.query) }];
    if (kind === "CreateTableAsStmt" && isTree(fields.into))
      return [{ name: rangeParts(fields.into.rel), kind: "view", reads: readsOf(fields.query) }];
    if (kind !== "CreateFunctionStmt") return [];
    const inside = functionBodies(statement).statements.map((one) => one.fields);
    return [
      { name: nameParts(fields.funcname), kind: "function", reads: readsOf([...inside, fields.sql_body]) },
    ];
  });
}

/** Throws `ReportReadsPruned` when the statement reads a pruned table, by whichever way the definitions tell. */
export async function refusePrunedSources(
  report: { name: string; path: string; sql: string },
  definitions: readonly Definition[],
  pruned: readonly PrunedTable[],
): Promise<void> {
  const [statement] = await parseSql({ path: report.path, sha256: "", sql: report.sql });
  const seen = new Set<Definition>();
  const open = [{ reads: readsOf(statement?.fields), through: "" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { reads, through } = next;
    for (const relation of reads.relations) {
      const found = pruned.find(({ table }) => mayBeSame(table, relation));
      if (found !== undefined)
        throw new RehearsalError("ReportReadsPruned", {
          ...{ report: report.name, table: found.table.join("."), policy: found.policy, through },
        });
    }
    const names = [
      ...reads.relations.map((name) => ({ name, kind: "view" })),
      ...reads.calls.map((name) => ({ name, kind: "function" })),
    ];
    for (const { name, kind } of names)
      for (const definition of definitions)
        if (definition.kind === kind && mayBeSame(definition.name, name) && !seen.has(definition)) {
          seen.add(definition);
          open.push({ reads: definition.reads, through: ` through ${kind} ${definition.name.join(".")}` });
        }
  }
}

/** Relations and functions below a tree. A name that WITH gives is none of the database's. */
function readsOf(tree: unknown): Reads {
  const reads: Reads = { relations: [], calls: [] };
  const given = new Set<string>();
  walk(tree, (fields, kind) => {
    if (kind === "CommonTableExpr") given.add(asText(fields.ctename) ?? "");
  });
  walk(tree, (fields, kind) => {
    if (kind === "FuncCall") reads.calls.push(nameParts(fields.funcname));
    const name = rangeParts(fields);
    if (name.length > 1 || (name[0] !== undefined && !given.has(name[0]))) reads.relations.push(name);
  });
  return reads;
}

function rangeParts(range: unknown): string[] {
  if (!isTree(range)) return [];
  return [asText(range.schemaname), asText(range.relname)].filter((part) => part !== undefined);
}
