/** Rule reindex-without-concurrently: indexes are built again while nobody can use their table. */
import { relationName } from "../../relation-name.ts";
import { isOn, optionsOf } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const reindexWithoutConcurrently: Rule = {
  id: "reindex-without-concurrently",
  severity: "error",
  title: "Indexes are built again while nobody can write to their table, nor plan a query on it",
  blocks: "reads",
  claim: { table: "orders", lock: "ShareLock", scans: true },
  why: "Writers wait until the table is read and each index is sorted again. Readers wait too, whatever they ask for: planning a query looks at every index of the table, and each is locked while it is built.",
  mend: 'put REINDEX … CONCURRENTLY into a migration of its own that begins with "-- rehearsal: no-transaction"',
  scales: true,
  setup: SHOP,
  bad: "reindex table orders;",
  good: "-- rehearsal: no-transaction\nreindex table concurrently orders;",
  on: ["ReindexStmt"],
  check: ({ fields }, { stood }) => {
    if (isOn(optionsOf(fields.params), "concurrently")) return [];
    const relation = relationName(fields.relation);
    if (relation === undefined)
      return [
        { message: "every index of a schema or database is built again while nobody can read or write" },
      ];
    return stood(relation)
      ? [{ message: `nobody can read or write while ${relation} is indexed again`, relations: [relation] }]
      : [];
  },
};
