/** Rule drop-column: a column that stood is dropped, with its values. */
import { quoteName } from "../../names.ts";
import { alterationsOf } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const dropColumn: Rule = {
  id: "drop-column",
  severity: "error",
  title: "A column is dropped, with every value in it",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock" },
  why: "The values are gone, and programs that still name the column fail from the moment of COMMIT; those that keep prepared statements with `select *` fail as well.",
  mend: "let every program stop naming it in one release and drop it in a later one, under a data plan; then allow it with the reason",
  loss: true,
  setup: SHOP,
  bad: "alter table orders drop column status;",
  good: "comment on column orders.status is 'read by nobody since release 12; to be dropped under a data plan';",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement)
      .filter(({ subtype, relation }) => subtype === "AT_DropColumn" && stood(relation))
      .map(({ relation, name = "" }) => ({
        message: `column ${quoteName(name)} of ${relation} is dropped with all its values`,
        relations: [relation],
      })),
};
