/** Rule drop-table: a table that stood is dropped, with all its rows. */
import { quotedParts } from "../../relation-name.ts";
import { asList } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const DROPPED = new Set(["OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"]);

export const dropTable: Rule = {
  id: "drop-table",
  severity: "error",
  title: "A table is dropped, with every row in it",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock" },
  why: "The rows are gone, and whatever program still names the table fails from the moment of COMMIT. Nothing brings them back but a backup.",
  mend: "let every program stop using it in one release and drop it in a later one, under a data plan that says what is lost; then allow it with the reason",
  loss: true,
  setup: SHOP,
  bad: "drop table orders;",
  good: "comment on table orders is 'read by nobody since release 12; to be dropped under a data plan';",
  on: ["DropStmt"],
  check: ({ fields }, { stood }) => {
    if (!DROPPED.has(String(fields.removeType))) return [];
    return asList(fields.objects)
      .map(quotedParts)
      .filter(stood)
      .map((table) => ({
        message: `table ${table} is dropped with all its rows`,
        relations: table ? [table] : [],
      }));
  },
};
