/** Rule vacuum-full: a table is written anew while nobody can read it. */
import { relationName } from "../../relation-name.ts";
import { asList, fieldsOf, isOn, optionsOf } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const vacuumFull: Rule = {
  id: "vacuum-full",
  severity: "error",
  title: "VACUUM FULL writes a table anew while nobody can read it",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", rewrites: true },
  why: "The whole table and all its indexes are written again, and the disk holds both meanwhile. A plain VACUUM makes the space free for new rows beside readers and writers.",
  mend: 'VACUUM without FULL, in a migration that begins with "-- rehearsal: no-transaction"',
  scales: true,
  setup: SHOP,
  bad: "vacuum full orders;",
  good: "-- rehearsal: no-transaction\nvacuum orders;",
  on: ["VacuumStmt"],
  check: ({ fields }, { stood }) => {
    if (fields.is_vacuumcmd !== true || !isOn(optionsOf(fields.options), "full")) return [];
    const tables = asList(fields.rels).flatMap(
      (item) => relationName(fieldsOf(item, "VacuumRelation")?.relation) ?? [],
    );
    if (tables.length === 0) return [{ message: "every table is written anew while nobody can read it" }];
    return tables
      .filter(stood)
      .map((table) => ({ message: `nobody can read ${table} while it is written anew`, relations: [table] }));
  },
};
