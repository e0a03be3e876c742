/** Rule seed-writes-protected-table: made-up data goes where real data is protected. */
import { relationName } from "../../relation-name.ts";
import { walk } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const WRITES = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

export const seedWritesProtectedTable: Rule = {
  id: "seed-writes-protected-table",
  severity: "error",
  title: "A seed writes to a table that the inventory protects",
  blocks: "nothing",
  claim: { none: "seeds never run on production, which Rehearsal refuses by itself" },
  why: "Seeds are made-up data for development. A table of a protected class holds people's data, also in copies for development: what a seed does there mixes with it or destroys it.",
  mend: "seed another table, or leave this one to the program's own way of adding rows",
  exampleKind: "seed",
  setup: SHOP,
  bad: "insert into customers (id, email) values (1000, 'a@example.com');",
  good: "insert into orders (id, status) values (1000, 'new');",
  on: ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "SelectStmt"],
  check: ({ kind, fields }, { file, standing, protectedTables }) => {
    if (file.kind !== "seed") return [];
    const written = new Set<string>();
    walk({ [kind]: fields }, (inner, innerKind) => {
      const own = WRITES.has(innerKind ?? "") ? relationName(inner.relation) : undefined;
      const emptied = kind === "TruncateStmt" && innerKind === "RangeVar" ? relationName(inner) : undefined;
      const table = own ?? emptied;
      if (table !== undefined && protectedTables.has(standing.fullName(table))) written.add(table);
    });
    return [...written].map((table) => ({
      message: `a seed writes to ${table}, which is protected`,
      relations: [table],
    }));
  },
};
