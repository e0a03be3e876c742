/** Work whose time grows with a table: what should not happen while others wait for a lock. */

import { isOn, optionsOf } from "../sql-tree.ts";
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
  InsertStmt: always,
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
