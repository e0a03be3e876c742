/** Rule check-without-not-valid: a CHECK is held against every row while nobody can read the table. */

import { quotedParts } from "../../relation-name.ts";
import { fieldsOf } from "../../sql-tree.ts";
import { addedConstraints } from "../alterations.ts";
import type { Found, LintStatement, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";
import type { Standing } from "../standing.ts";

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
  on: ["AlterTableStmt", "AlterDomainStmt"],
  check: (statement, { stood, standing }) => [
    ...ofDomain(statement, standing),
    ...addedConstraints(statement)
      .filter(
        ({ relation, constraint }) =>
          constraint.contype === "CONSTR_CHECK" && constraint.skip_validation !== true && stood(relation),
      )
      .map(({ relation }) => ({
        message: `nobody can read ${relation} while its rows are held against a CHECK`,
        relations: [relation],
      })),
  ],
};

/** A domain's CHECK is held against every row of every table that has a column of it. */
function ofDomain({ kind, fields }: LintStatement, standing: Standing): Found[] {
  const constraint = fieldsOf(fields.def, "Constraint");
  const domain = quotedParts(fields.typeName);
  if (kind !== "AlterDomainStmt" || constraint?.contype !== "CONSTR_CHECK" || domain === undefined) return [];
  if (constraint.skip_validation === true || standing.madeObject("OBJECT_DOMAIN", domain)) return [];
  return [
    {
      message: `every table with a column of ${domain} is locked against writers while its rows are held against a CHECK`,
    },
  ];
}
