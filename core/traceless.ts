/** Migrations that change data and no schema: of a database without a history nothing tells whether they ran. */
import { functionBodies, type SqlNode } from "./function-bodies.ts";
import type { Migration } from "./migration.ts";
import { parseFragment } from "./sql-parser.ts";

/** Kinds of statement that leave the schema as it was; a function that is called may still change it. */
const TRACELESS = new Set([
  "CallStmt",
  "ClusterStmt",
  "DeleteStmt",
  "InsertStmt",
  "LockStmt",
  "MergeStmt",
  "NotifyStmt",
  "RefreshMatViewStmt",
  "ReindexStmt",
  "SelectStmt",
  "TruncateStmt",
  "UpdateStmt",
  "VacuumStmt",
  "VariableSetStmt",
]);

/** The paths at the end of a sequence that change no schema, as far as their SQL tells. */
export function tracelessEnd(migrations: readonly Pick<Migration, "path" | "statements">[]): string[] {
  const last = migrations.findLastIndex(
    ({ statements }) => !statements.map(treeOf).every((tree) => isTraceless(tree)),
  );
  return migrations.slice(last + 1).map(({ path }) => path);
}

function treeOf({ kind, sql }: Migration["statements"][number]): SqlNode {
  return { ...(parseFragment(sql)?.[0] ?? { kind, fields: {} }), sql };
}

function isTraceless(statement: SqlNode): boolean {
  // What a block puts together while it runs may be either.
  if (statement.kind === "DoStmt") return functionBodies(statement).statements.every(isTraceless);
  return TRACELESS.has(statement.kind) && statement.fields.intoClause === undefined;
}
