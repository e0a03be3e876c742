/** Rule foreign-key-without-not-valid: a foreign key is checked against every row while nobody can write to either table. */
import { relationName } from "../../relation-name.ts";
import { asText } from "../../sql-tree.ts";
import { addedConstraints } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const foreignKeyWithoutNotValid: Rule = {
  id: "foreign-key-without-not-valid",
  severity: "error",
  title: "A foreign key is checked against every row while nobody can write to either table",
  blocks: "writes",
  claim: { table: "orders", lock: "ShareRowExclusiveLock", scans: true },
  why: "Writers of the table and of the one it refers to wait until each row has been looked up, and until COMMIT. NOT VALID holds for new rows at once; VALIDATE CONSTRAINT checks the old ones later, beside writers.",
  mend: "add it NOT VALID, and VALIDATE CONSTRAINT in a later migration, without a transaction",
  scales: true,
  setup: `${SHOP}\ncreate index orders_customer on orders (customer_id);`,
  bad: "alter table orders add constraint orders_customer foreign key (customer_id) references customers;",
  good: "alter table orders add constraint orders_customer foreign key (customer_id) references customers not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint orders_customer;",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    addedConstraints(statement)
      .filter(
        ({ relation, constraint, ofNulls }) =>
          constraint.contype === "CONSTR_FOREIGN" &&
          constraint.skip_validation !== true &&
          // A column that begins empty refers to nothing, and is not looked through.
          !ofNulls &&
          stood(relation),
      )
      .map(({ relation, constraint }) => {
        const referred = relationName(constraint.pktable) ?? relation;
        return {
          message: `${asText(constraint.conname) === undefined ? "a foreign key" : `foreign key "${asText(constraint.conname)}"`} of ${relation} is checked row by row while nobody can write to it or to ${referred}`,
          relations: [relation, referred].filter(stood),
        };
      }),
};
