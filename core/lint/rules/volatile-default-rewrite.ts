/** Rule volatile-default-rewrite: a new column's default is another one for each row. */
import { quoteName } from "../../names.ts";
import { asText } from "../../sql-tree.ts";
import { alterationsOf } from "../alterations.ts";
import { volatileDefault } from "../rewrites.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const volatileDefaultRewrite: Rule = {
  id: "volatile-default-rewrite",
  severity: "error",
  title: "A column is added with a default that must be computed for each row",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true, rewrites: true },
  why: "A constant default (and now()) is stored once, with the column. One that may differ from row to row is written into every row while nobody can read the table.",
  mend: "add the column without a default, set the default in a second statement for rows to come, and fill the old rows in batches",
  scales: true,
  setup: SHOP,
  bad: "alter table orders add column token uuid default gen_random_uuid();",
  good: "alter table orders add column token uuid;\nalter table orders alter column token set default gen_random_uuid();",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement)
      .filter((alteration) => stood(alteration.relation) && volatileDefault(alteration))
      .map(({ relation, definition }) => ({
        message: `${relation} is written anew: the default of ${quoteName(asText(definition.colname) ?? "")} is computed for each row`,
        relations: [relation],
      })),
};
