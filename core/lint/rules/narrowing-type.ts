/** Rule narrowing-type: a column's new type cannot hold every value of its old one. */
import { quoteName } from "../../names.ts";
import { alterationsOf, typeText } from "../alterations.ts";
import { typeChange } from "../rewrites.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const narrowingType: Rule = {
  id: "narrowing-type",
  severity: "error",
  title: "A column gets a type that cannot hold every value of its old type",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true, rewrites: true },
  why: "Values that do not fit stop the migration, and where the cast rounds or cuts (numbers with fewer digits, times made dates) what was there is lost without an error.",
  mend: "add a column of the new type, fill it in batches, count what does not fit, and drop the old one in a later release under a data plan",
  loss: true,
  setup: SHOP,
  bad: "alter table orders alter column total type numeric(6, 0);",
  good: "alter table orders add column total_rounded numeric(6, 0);",
  on: ["AlterTableStmt"],
  check: (statement, context) =>
    alterationsOf(statement)
      .filter(
        (alteration) => context.stood(alteration.relation) && typeChange(alteration, context) === "narrows",
      )
      .map(({ relation, name = "", definition }) => ({
        message: `column ${quoteName(name)} of ${relation} goes from ${context.standing.table(relation)?.columns.get(name)} to ${typeText(definition.typeName)}, which holds less`,
        relations: [relation],
      })),
};
