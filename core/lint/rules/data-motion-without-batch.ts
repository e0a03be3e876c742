/** Rule data-motion-without-batch: rows of a table that stood are changed all at once. */
import { relationName } from "../../relation-name.ts";
import { fieldsOf, isOn, optionsOf, type Tree, walk } from "../../sql-tree.ts";
import type { LintContext, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";
import { readsStanding } from "../slow-work.ts";

export const dataMotionWithoutBatch: Rule = {
  id: "data-motion-without-batch",
  severity: "error",
  title: "Rows of a table are changed all at once, in one transaction",
  blocks: "writes",
  claim: { table: "orders", lock: "RowExclusiveLock", scans: true },
  why: "Each changed row stays locked until COMMIT, its old version stays on the disk, standbys fall behind, and a failure at the end loses all of the work.",
  mend: 'put it into a migration of its own, cut into slices: "-- rehearsal: batch table=… key=… size=…"',
  scales: true,
  loss: true,
  setup: SHOP,
  bad: "update orders set status = 'old' where placed_at < now();",
  good: "update orders set status = 'old' where id = 7;",
  on: [
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "InsertStmt",
    "SelectStmt",
    "CreateTableAsStmt",
    "ExplainStmt",
  ],
  check: ({ kind, fields }, context) => {
    if (context.file.batched || context.file.kind === "seed") return [];
    if (kind === "ExplainStmt" && !isOn(optionsOf(fields.options), "analyze")) return [];
    const found: { word: string; table: string }[] = [];
    walk({ [kind]: fields }, (inner, innerKind) => {
      const word = WORDS[innerKind ?? ""];
      const table = relationName(inner.relation);
      if (word === undefined || table === undefined || !context.stood(table)) return;
      if (
        innerKind === "InsertStmt"
          ? readsStanding({ fields: inner }, context)
          : !isOneRow(inner, table, context)
      )
        found.push({ word, table });
    });
    return found.map(({ word, table }) => ({
      message: `rows of ${table} are ${word} all at once`,
      relations: [table],
    }));
  },
};

const WORDS: Record<string, string> = {
  UpdateStmt: "updated",
  DeleteStmt: "deleted",
  MergeStmt: "merged",
  InsertStmt: "inserted",
};

/** `where id = constant`, of the table's known primary key or of a column called id. */
function isOneRow({ whereClause }: Tree, table: string, { standing }: LintContext): boolean {
  const comparison = fieldsOf(whereClause, "A_Expr");
  if (comparison?.kind !== "AEXPR_OP" || fieldsOf(comparison.rexpr, "A_Const") === undefined) return false;
  const operator = (comparison.name as unknown[])?.[0];
  const parts = (fieldsOf(comparison.lexpr, "ColumnRef")?.fields as unknown[]) ?? [];
  const column = fieldsOf(parts.at(-1), "String")?.sval;
  if (fieldsOf(operator, "String")?.sval !== "=" || typeof column !== "string") return false;
  const constraints = [...(standing.table(table)?.constraints.values() ?? [])];
  const keys = constraints.filter(({ kind }) => kind === "CONSTR_PRIMARY" || kind === "CONSTR_UNIQUE");
  return keys.length === 0 ? column === "id" : keys.some(({ columns }) => columns.join() === column);
}
