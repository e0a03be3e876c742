/** Rule refresh-without-concurrently: a materialized view is filled again while nobody can read it. */
import { relationName } from "../../relation-name.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const refreshWithoutConcurrently: Rule = {
  id: "refresh-without-concurrently",
  severity: "error",
  title: "A materialized view is filled again while nobody can read it",
  blocks: "reads",
  claim: { table: "order_totals", lock: "AccessExclusiveLock", rewrites: true },
  why: "Readers wait until its query has run and its indexes are built.",
  mend: "give it a unique index and REFRESH MATERIALIZED VIEW CONCURRENTLY, which writes only what differs",
  scales: true,
  setup: `${SHOP}\ncreate materialized view order_totals as select id, total from orders;\ncreate unique index order_totals_id on order_totals (id);`,
  bad: "refresh materialized view order_totals;",
  good: "refresh materialized view concurrently order_totals;",
  on: ["RefreshMatViewStmt"],
  check: ({ fields }, { stood }) => {
    const view = relationName(fields.relation);
    if (fields.concurrent === true || fields.skipData === true || view === undefined || !stood(view))
      return [];
    return [{ message: `nobody can read ${view} while it is filled again`, relations: [view] }];
  },
};
