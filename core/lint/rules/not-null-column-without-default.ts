/** Rule not-null-column-without-default: a column that old rows cannot fill is added. */
import { quoteName } from "../../names.ts";
import { asText } from "../../sql-tree.ts";
import { alterationsOf, constraintsOf, FILLING } from "../alterations.ts";
import { computedColumn } from "../rewrites.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const notNullColumnWithoutDefault: Rule = {
  id: "not-null-column-without-default",
  severity: "error",
  title: "A NOT NULL column is added without a default",
  blocks: "reads",
  claim: { none: "on a table with rows it takes nothing: it fails, which the measurement shows as well" },
  why: "It fails as soon as the table has one row, so it works on an empty development database and not on production. Where it works, programs that do not know the column cannot insert any more.",
  mend: "give it a constant default, or add it nullable, fill it in batches, and SET NOT NULL behind a validated CHECK",
  setup: SHOP,
  bad: "alter table orders add column channel text not null;",
  good: "alter table orders add column channel text not null default 'shop';",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement).flatMap((alteration) => {
      const { relation, subtype, definition } = alteration;
      if (subtype !== "AT_AddColumn" || !stood(relation)) return [];
      const kinds = constraintsOf(definition).map(({ contype }) => contype);
      const must = kinds.includes("CONSTR_NOTNULL") || kinds.includes("CONSTR_PRIMARY");
      const filled =
        kinds.some((kind) => FILLING.has(asText(kind) ?? "")) || computedColumn(alteration) !== undefined;
      if (!must || filled) return [];
      return [
        {
          message: `column ${quoteName(asText(definition.colname) ?? "")} is NOT NULL, and the rows of ${relation} have nothing to put there`,
          relations: [relation],
        },
      ];
    }),
};
