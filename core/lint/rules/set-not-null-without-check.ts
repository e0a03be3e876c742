/** Rule set-not-null-without-check: SET NOT NULL reads the whole table while nobody else can. */
import { quoteName } from "../../names.ts";
import { asText, type Tree } from "../../sql-tree.ts";
import { alterationsOf, keysOf } from "../alterations.ts";
import type { LintContext, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const setNotNullWithoutCheck: Rule = {
  id: "set-not-null-without-check",
  severity: "error",
  title: "SET NOT NULL reads every row while nobody can read the table",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true },
  why: "Postgres looks for a null in the whole table, under the strongest lock. It believes a valid CHECK (column IS NOT NULL), and then reads nothing.",
  mend: "add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in a later migration without a transaction, then SET NOT NULL and drop the CHECK",
  scales: true,
  setup: SHOP,
  bad: "alter table orders alter column status set not null;",
  good: "alter table orders add constraint status_given check (status is not null) not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint status_given;\n-- the next file\nalter table orders alter column status set not null;\nalter table orders drop constraint if exists status_given;",
  on: ["AlterTableStmt"],
  check: (statement, context) =>
    alterationsOf(statement).flatMap(({ relation, subtype, name, definition }) => {
      const columns =
        subtype === "AT_SetNotNull" && name !== undefined
          ? [name]
          : subtype === "AT_AddConstraint" &&
              definition.contype === "CONSTR_NOTNULL" &&
              definition.skip_validation !== true
            ? keysOf(definition)
            : [];
      if (!context.stood(relation)) return [];
      if (subtype === "AT_AddConstraint") columns.push(...keyColumns(relation, definition, context));
      return columns
        .filter((column) => !isProven(relation, column, context))
        .map((column) => ({
          message: `nobody can read ${relation} while it is searched for rows without ${quoteName(column)}`,
          relations: [relation],
        }));
    }),
};

/** PRIMARY KEY USING INDEX sets its columns NOT NULL: those of which it is known that they are not. */
function keyColumns(relation: string, definition: Tree, { standing }: LintContext): string[] {
  const index = asText(definition.indexname);
  if (definition.contype !== "CONSTR_PRIMARY" || index === undefined) return [];
  const known = standing.table(relation)?.columns;
  const columns = standing.indexes.get(standing.beside(relation, index))?.columns ?? [];
  return columns.filter((column) => known?.has(column));
}

function isProven(relation: string, column: string, { standing }: LintContext): boolean {
  const constraints = standing.table(relation)?.constraints.values() ?? [];
  return [...constraints].some(({ valid, notNull }) => valid && notNull.includes(column));
}
