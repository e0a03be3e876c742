/** Rule volatile-function-in-view: a view gives another answer each time it is read. */
import { quotedParts, relationName } from "../../relation-name.ts";
import { nameParts, walk } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

/** Built-in functions that Postgres declares volatile and people put into queries. */
const VOLATILE = new Set([
  "random",
  "random_normal",
  "gen_random_uuid",
  "uuidv4",
  "uuidv7",
  "clock_timestamp",
  "timeofday",
  "nextval",
  "setval",
  "pg_sleep",
  "pg_advisory_lock",
  "pg_notify",
  "txid_current",
  "set_config",
]);

export const volatileFunctionInView: Rule = {
  id: "volatile-function-in-view",
  severity: "warning",
  title: "A view calls a volatile function",
  blocks: "nothing",
  claim: { none: "it is about what readers of the view get; making a view locks no table against them" },
  why: "Two readers of the same rows get different answers, conditions are not pushed through it, and a function that does something does it whenever somebody looks.",
  mend: "call it in the statement that needs it, or declare the function STABLE where it only reads",
  setup: SHOP,
  bad: "create or replace view lottery as select id, random() as ticket from orders;",
  good: "create or replace view lottery as select id, total as ticket from orders;",
  on: ["ViewStmt", "CreateTableAsStmt"],
  check: ({ kind, fields }, { standing }) => {
    if (kind === "CreateTableAsStmt" && fields.objtype !== "OBJECT_MATVIEW") return [];
    const called = new Set<string>();
    walk(fields.query, (inner, innerKind) => {
      if (innerKind !== "FuncCall") return;
      const parts = nameParts(inner.funcname);
      const builtIn = parts.length === 1 || parts[0] === "pg_catalog";
      const name = quotedParts(inner.funcname) ?? "";
      if ((builtIn && VOLATILE.has(parts.at(-1) ?? "")) || standing.volatile.has(standing.fullName(name)))
        called.add(`${parts.join(".")}()`);
    });
    if (called.size === 0) return [];
    const view = relationName(fields.view);
    return [
      {
        message: `${view === undefined ? "the view" : `view ${view}`} calls ${[...called].join(", ")}, which gives another answer each time`,
      },
    ];
  },
};
