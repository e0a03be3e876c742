/** Rule concurrently-without-no-transaction: a statement that refuses to run in a transaction stands in one. */
import { cannotRunInTransaction } from "../../non-transactional.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const concurrentlyWithoutNoTransaction: Rule = {
  id: "concurrently-without-no-transaction",
  severity: "error",
  title: "A statement that cannot run in a transaction stands in a file that does",
  blocks: "nothing",
  claim: { none: "Postgres refuses it inside a transaction, which the measurement shows as well" },
  why: "CREATE INDEX CONCURRENTLY, VACUUM and their like commit by themselves, several times. Postgres refuses them inside a transaction.",
  mend: 'begin the file with "-- rehearsal: no-transaction", and leave nothing else in it',
  setup: SHOP,
  bad: "create index concurrently if not exists orders_customer on orders (customer_id);",
  good: "-- rehearsal: no-transaction\ncreate index concurrently if not exists orders_customer on orders (customer_id);",
  on: ["IndexStmt", "DropStmt", "ReindexStmt", "VacuumStmt", "ClusterStmt", "AlterTableStmt"],
  check: (statement, { file }) => {
    const what = file.transactional ? cannotRunInTransaction(statement) : undefined;
    return what === undefined ? [] : [{ message: `${what} cannot run inside a transaction` }];
  },
};
