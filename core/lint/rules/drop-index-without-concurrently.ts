/** Rule drop-index-without-concurrently: dropping an index waits for, and then keeps out, everybody. */
import { quotedParts } from "../../relation-name.ts";
import { asList } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const dropIndexWithoutConcurrently: Rule = {
  id: "drop-index-without-concurrently",
  severity: "error",
  title: "An index is dropped under a lock that keeps everybody from its table",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock" },
  why: "Dropping is quick, but the lock on the table is asked for at once and held until COMMIT: readers wait behind it.",
  mend: 'put DROP INDEX CONCURRENTLY into a migration of its own that begins with "-- rehearsal: no-transaction"',
  setup: `${SHOP}\ncreate index orders_status on orders (status);`,
  bad: "drop index orders_status;",
  good: "-- rehearsal: no-transaction\ndrop index concurrently if exists orders_status;",
  scales: true,
  on: ["DropStmt"],
  check: ({ fields }, { stood, standing }) => {
    if (fields.removeType !== "OBJECT_INDEX" || fields.concurrent === true) return [];
    return asList(fields.objects)
      .map(quotedParts)
      .filter(stood)
      .map((index = "") => {
        const table = standing.indexes.get(standing.fullName(index))?.table;
        return {
          message: `everybody is kept from ${table ?? "the table"} while ${index} is dropped, until COMMIT`,
          relations: [table ?? index],
        };
      });
  },
};
