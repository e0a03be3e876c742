/** Rule constraint-left-not-valid: a constraint of the release is never checked against the rows that stood. */
import { quoteName } from "../../names.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const constraintLeftNotValid: Rule = {
  id: "constraint-left-not-valid",
  severity: "warning",
  title: "A constraint is added NOT VALID and nothing in the project validates it",
  blocks: "nothing",
  claim: { none: "it is about what is not done" },
  why: "New rows obey it, old ones may not, and nothing tells: programs and the planner may not rely on it.",
  mend: "VALIDATE CONSTRAINT in a later migration without a transaction; it reads the table beside readers and writers",
  setup: SHOP,
  bad: "alter table orders add constraint total_positive check (total > 0) not valid;",
  good: "alter table orders add constraint total_positive check (total > 0) not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint total_positive;",
  on: [],
  check: () => [],
  atEnd: (standing) =>
    [...standing.tables].flatMap(([table, { constraints }]) =>
      [...constraints]
        .filter(([, { valid }]) => !valid)
        .map(([name, { path, statement }]) => ({
          message: `constraint ${quoteName(name)} of ${table} stays NOT VALID`,
          path,
          statement,
        })),
    ),
};
