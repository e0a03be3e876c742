/** Rule detach-without-concurrently: a partition is detached under a lock that keeps everybody from the whole table. */
import { relationName } from "../../relation-name.ts";
import { alterationsOf } from "../alterations.ts";
import type { Rule } from "../rule.ts";

export const detachWithoutConcurrently: Rule = {
  id: "detach-without-concurrently",
  severity: "error",
  title: "A partition is detached under a lock that keeps everybody from the whole table",
  blocks: "reads",
  claim: { table: "events", lock: "AccessExclusiveLock" },
  why: "Detaching is quick, but the lock on the partitioned table is held until COMMIT: readers of every other partition wait as well.",
  mend: 'put DETACH PARTITION … CONCURRENTLY into a migration of its own that begins with "-- rehearsal: no-transaction"',
  scales: true,
  setup:
    "create table events (id bigint, at date) partition by range (at);\ncreate table events_2019 partition of events for values from ('2019-01-01') to ('2020-01-01');",
  bad: "alter table events detach partition events_2019;",
  good: "-- rehearsal: no-transaction\nalter table events detach partition events_2019 concurrently;",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement)
      .filter(
        ({ relation, subtype, definition }) =>
          subtype === "AT_DetachPartition" && definition.concurrent !== true && stood(relation),
      )
      .map(({ relation, definition }) => ({
        message: `everybody is kept from ${relation} while ${relationName(definition.name)} is detached, until COMMIT`,
        relations: [relation],
      })),
};
