/** Rule index-without-concurrently: an index is built on a table that stood while nobody can write to it. */
import { relationName } from "../../relation-name.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const indexWithoutConcurrently: Rule = {
  id: "index-without-concurrently",
  severity: "error",
  title: "An index is built while nobody can write to its table",
  blocks: "writes",
  claim: { table: "orders", lock: "ShareLock", scans: true },
  why: "Every writer waits until the whole table is read and sorted, and until the transaction commits.",
  mend: 'put CREATE INDEX CONCURRENTLY into a migration of its own that begins with "-- rehearsal: no-transaction"',
  scales: true,
  setup: SHOP,
  bad: "create index orders_customer on orders (customer_id);",
  good: "-- rehearsal: no-transaction\ncreate index concurrently if not exists orders_customer on orders (customer_id);",
  on: ["IndexStmt"],
  check: ({ fields }, { stood }) => {
    const table = relationName(fields.relation);
    if (fields.concurrent === true || table === undefined || !stood(table)) return [];
    return [{ message: `nobody can write to ${table} while its index is built`, relations: [table] }];
  },
};
