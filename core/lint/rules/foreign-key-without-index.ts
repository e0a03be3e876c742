/** Rule foreign-key-without-index: the referring columns have no index. */
import { quoteName } from "../../names.ts";
import type { FoundAtEnd, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";
import type { KnownConstraint, Standing } from "../standing.ts";

export const foreignKeyWithoutIndex: Rule = {
  id: "foreign-key-without-index",
  severity: "warning",
  title: "The columns of a foreign key have no index",
  blocks: "nothing",
  claim: {
    none: "adding it costs nothing more; what is slow is every later delete in the table it refers to",
  },
  why: "Deleting or re-keying a row of the table it refers to looks for rows that refer to it: without an index by reading the whole table, for each row.",
  mend: "CREATE INDEX CONCURRENTLY on the referring columns, in a migration without a transaction",
  setup: SHOP,
  bad: "alter table orders add constraint orders_customer foreign key (customer_id) references customers not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint orders_customer;",
  good: "-- rehearsal: no-transaction\ncreate index concurrently if not exists orders_by_customer on orders (customer_id);\n-- the next file\nalter table orders add constraint orders_customer foreign key (customer_id) references customers not valid;\n-- the next file\n-- rehearsal: no-transaction\nalter table orders validate constraint orders_customer;",
  on: [],
  check: () => [],
  // An index may be made by a later file of the same release.
  atEnd: (standing) =>
    [...standing.tables].flatMap(([table, { constraints }]) =>
      [...constraints].flatMap(([name, constraint]) => unindexed(standing, table, name, constraint)),
    ),
};

function unindexed(
  standing: Standing,
  table: string,
  name: string,
  constraint: KnownConstraint,
): FoundAtEnd[] {
  const { kind, columns, path, statement } = constraint;
  if (kind !== "CONSTR_FOREIGN" || columns.length === 0) return [];
  const wanted = new Set(columns);
  const served = standing
    .indexesOf(table)
    .some(
      (index) =>
        index.columns.slice(0, columns.length).filter((column) => wanted.has(column)).length === wanted.size,
    );
  if (served) return [];
  return [
    {
      message: `foreign key ${quoteName(name)} of ${table} has no index on ${columns.map(quoteName).join(", ")}`,
      relations: [table],
      path,
      statement,
    },
  ];
}
