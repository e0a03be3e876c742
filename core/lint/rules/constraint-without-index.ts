/** Rule constraint-without-index: UNIQUE, PRIMARY KEY or EXCLUDE builds its index while nobody can read the table. */
import { addedConstraints } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const WORDS: Record<string, string> = {
  CONSTR_UNIQUE: "UNIQUE",
  CONSTR_PRIMARY: "PRIMARY KEY",
  CONSTR_EXCLUSION: "EXCLUDE",
};

export const constraintWithoutIndex: Rule = {
  id: "constraint-without-index",
  severity: "error",
  title: "UNIQUE, PRIMARY KEY or EXCLUDE builds its index while nobody can read the table",
  blocks: "reads",
  claim: { table: "customers", lock: "AccessExclusiveLock", scans: true },
  why: "The index is built inside ALTER TABLE, under a lock that keeps readers out as well. An index that stands already becomes the constraint's in a moment.",
  mend: "CREATE UNIQUE INDEX CONCURRENTLY in a migration without a transaction, then ADD CONSTRAINT … USING INDEX; an EXCLUDE cannot be added so, and wants a table of its own",
  scales: true,
  setup: SHOP,
  bad: "alter table customers add constraint customers_email unique (email);",
  good: "-- rehearsal: no-transaction\ncreate unique index concurrently if not exists customers_email on customers (email);\n-- the next file\nalter table customers add constraint customers_email unique using index customers_email;",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    addedConstraints(statement).flatMap(({ relation, constraint }) => {
      const word = WORDS[String(constraint.contype)];
      if (word === undefined || constraint.indexname !== undefined || !stood(relation)) return [];
      return [
        { message: `nobody can read ${relation} while the index of ${word} is built`, relations: [relation] },
      ];
    }),
};
