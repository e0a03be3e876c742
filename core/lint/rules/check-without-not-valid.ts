/** Rule check-without-not-valid: a CHECK is held against every row while nobody can read the table. */
import { addedConstraints } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const checkWithoutNotValid: Rule = {
  id: "check-without-not-valid",
  severity: "error",
  title: "A CHECK is held against every row while nobody can read the table",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true },
  why: "Everybody waits until the whole table has been read. NOT VALID holds for new rows at once; VALIDATE CONSTRAINT reads the old ones later, beside readers and writers.",
  mend: "add it NOT VALID, and VALIDATE CONSTRAINT in a later migration, without a transaction",
  scales: true,
  setup: SHOP,
  bad: "alter table orders add constraint total_positive check (total > 0);",
  good: "alter table orders add constraint total_positive check (total > 0) not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint total_positive;",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    addedConstraints(statement)
      .filter(
        ({ relation, constraint }) =>
          constraint.contype === "CONSTR_CHECK" && constraint.skip_validation !== true && stood(relation),
      )
      .map(({ relation }) => ({
        message: `nobody can read ${relation} while its rows are held against a CHECK`,
        relations: [relation],
      })),
};
