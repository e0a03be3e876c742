/** Work whose time grows with a table: what should not happen while others wait for a lock. */

import { relationName } from "../relation-name.ts";
import { fieldsOf, isOn, optionsOf, walk } from "../sql-tree.ts";
import { locksOf } from "../statement-locks.ts";
import { alterationsOf } from "./alterations.ts";
import { rewritesTable } from "./rewrites.ts";
import type { LintContext, LintStatement } from "./rule.ts";

/** The relations that stood before whose rows the statement goes through; none when it is quick. */
export function slowWork(statement: LintStatement, context: LintContext): string[] {
  const named = () => locksOf(statement).map(({ relation }) => relation);
  return (SLOW[statement.kind]?.(statement, context) === true ? named() : []).filter((relation) =>
    context.stood(relation),
  );
}

type IsSlow = (statement: LintStatement, context: LintContext) => boolean;

const always: IsSlow = () => true;

/** INSERT … SELECT of a table that stood; VALUES are as many as the file holds. */
export function readsStanding({ fields }: Pick<LintStatement, "fields">, { stood }: LintContext): boolean {
  let reads = false;
  walk(fieldsOf(fields.selectStmt, "SelectStmt")?.fromClause, (inner, kind) => {
    if (kind === "RangeVar" && stood(relationName(inner))) reads = true;
  });
  return reads;
}

const SLOW: Record<string, IsSlow> = {
  UpdateStmt: always,
  DeleteStmt: always,
  MergeStmt: always,
  IndexStmt: always,
  ReindexStmt: always,
  ClusterStmt: always,
  RefreshMatViewStmt: always,
  CreateTableAsStmt: always,
  SelectStmt: always,
  InsertStmt: readsStanding,
  VacuumStmt: ({ fields }) => isOn(optionsOf(fields.options), "full"),
  AlterTableStmt: (statement, context) =>
    alterationsOf(statement).some(
      (alteration) =>
        alteration.subtype === "AT_ValidateConstraint" ||
        (alteration.subtype === "AT_AddConstraint" &&
          alteration.definition.skip_validation !== true &&
          alteration.definition.indexname === undefined) ||
        rewritesTable(alteration, context),
    ),
};
