/** Rule cluster: a table is written anew in another order while nobody can read it. */
import { relationName } from "../../relation-name.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const cluster: Rule = {
  id: "cluster",
  severity: "error",
  title: "CLUSTER writes a table anew while nobody can read it",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", rewrites: true },
  why: "The whole table and all its indexes are written again, and the disk holds both meanwhile.",
  mend: "leave the order to the indexes, or set it for the next VACUUM FULL in a window of its own (ALTER TABLE … CLUSTER ON)",
  scales: true,
  setup: SHOP,
  bad: "cluster orders using orders_pkey;",
  good: "alter table orders cluster on orders_pkey;",
  on: ["ClusterStmt"],
  check: ({ fields }, { stood }) => {
    const table = relationName(fields.relation);
    if (table === undefined)
      return [{ message: "every clustered table is written anew while nobody can read it" }];
    return stood(table)
      ? [{ message: `nobody can read ${table} while it is written anew`, relations: [table] }]
      : [];
  },
};
