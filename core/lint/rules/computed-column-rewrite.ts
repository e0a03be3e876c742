/** Rule computed-column-rewrite: a stored generated, identity or serial column is added to a table that stood. */
import { alterationsOf } from "../alterations.ts";
import { computedColumn } from "../rewrites.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const computedColumnRewrite: Rule = {
  id: "computed-column-rewrite",
  severity: "error",
  title: "A stored generated, identity or serial column is added, which every row gets at once",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true, rewrites: true },
  why: "Each row gets a value of its own, so the whole table is written anew while nobody can read it.",
  mend: "add a plain column, keep it filled by a trigger or a default, fill the old rows in batches; on Postgres 18 a virtual generated column stores nothing",
  scales: true,
  setup: SHOP,
  bad: "alter table orders add column with_tax numeric generated always as (total * 1.19) stored;",
  good: "alter table orders add column with_tax numeric;",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement).flatMap((alteration) => {
      const added = stood(alteration.relation) ? computedColumn(alteration) : undefined;
      if (added === undefined) return [];
      return [
        {
          message: `${alteration.relation} is written anew to give each row its value of ${added}`,
          relations: [alteration.relation],
        },
      ];
    }),
};
