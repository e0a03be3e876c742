/** Rule truncate: a table that stood is emptied. */
import { relationName } from "../../relation-name.ts";
import { asList, fieldsOf } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const truncate: Rule = {
  id: "truncate",
  severity: "error",
  title: "A table is emptied at once",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", rewrites: true },
  why: "Every row is gone without a trigger for each, and with CASCADE the rows of every table that refers to it as well. Transactions that began before and read it after see it empty, which no other statement does to them.",
  mend: "delete the rows that are meant, by a condition and in batches, under a data plan that says what is lost",
  loss: true,
  setup: SHOP,
  bad: "truncate orders;",
  good: "comment on table orders is 'rows from before 2020 are deleted in batches';",
  on: ["TruncateStmt"],
  check: ({ fields }, { stood }) =>
    asList(fields.relations)
      .map((item) => relationName(fieldsOf(item, "RangeVar")))
      .filter(stood)
      .map((table) => ({ message: `table ${table} is emptied`, relations: table ? [table] : [] })),
};
