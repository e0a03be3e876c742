/** Rule type-change-rewrite: a column's new type makes every row be written anew. */
import { quoteName } from "../../names.ts";
import { alterationsOf, typeText } from "../alterations.ts";
import { typeChange } from "../rewrites.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const typeChangeRewrite: Rule = {
  id: "type-change-rewrite",
  severity: "error",
  title: "A column's type changes in a way that writes the whole table anew",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true, rewrites: true },
  why: "Nobody can read or write the table until every row and every index is written again; the disk holds it twice meanwhile. Only a change to a wider form of the same representation (varchar(20) to varchar(40) or text, numeric(10,2) to numeric(12,2)) is free.",
  mend: "add a column of the new type, keep it equal by a trigger, fill it in batches, and let programs move to it",
  scales: true,
  setup: SHOP,
  bad: "alter table orders alter column customer_id type numeric;",
  good: "alter table orders alter column status type varchar(40);",
  on: ["AlterTableStmt"],
  check: (statement, context) =>
    alterationsOf(statement).flatMap((alteration) => {
      const { relation, name = "", definition } = alteration;
      const change = context.stood(relation) ? typeChange(alteration, context) : undefined;
      if (change !== "widens" && change !== "unknown") return [];
      const type = typeText(definition.typeName) ?? "";
      const maybe = change === "unknown";
      return [
        {
          message: `${relation} ${maybe ? "may be" : "is"} written anew to make ${quoteName(name)} ${type}${maybe ? ": its old type is not known here" : ""}`,
          relations: [relation],
          // Most columns that become text were varchar, which is free.
          ...(maybe && /^(text|varchar)/.test(type) ? { severity: "warning" as const } : {}),
        },
      ];
    }),
};
