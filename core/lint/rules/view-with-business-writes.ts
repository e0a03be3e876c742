/** Rule view-with-business-writes: reading or writing a view does something else. */
import { quotedParts, relationName } from "../../relation-name.ts";
import { asList, nameParts, walk } from "../../sql-tree.ts";
import type { Found, LintContext, LintStatement, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const viewWithBusinessWrites: Rule = {
  id: "view-with-business-writes",
  severity: "warning",
  title: "A view hides writes: a rule, an INSTEAD OF trigger, or a function that writes",
  blocks: "nothing",
  claim: { none: "it is about what a view does later, when somebody uses it" },
  why: "What changes the data should be where it is looked for. Behind a rule, an INSTEAD OF trigger or a function called in a view, a harmless statement writes to tables that it does not name, and rules do it once for each mention of a row.",
  mend: "write to the tables by name, in the program or in a procedure that says so",
  setup: `${SHOP}\ncreate or replace view open_orders as select id from orders where status = 'new';`,
  bad: "create or replace rule closing as on delete to open_orders do instead update orders set status = 'closed' where id = old.id;",
  good: "create or replace procedure close_order(closed bigint) language sql as 'update public.orders set status = ''closed'' where id = closed';",
  on: ["RuleStmt", "CreateTrigStmt", "ViewStmt", "CreateTableAsStmt"],
  check: (statement, context) => {
    const { kind, fields } = statement;
    const relation = relationName(fields.relation);
    if (kind === "RuleStmt")
      // The rule that makes a table a view is Postgres' own way of writing CREATE VIEW.
      return fields.event === "CMD_SELECT" || asList(fields.actions).length === 0
        ? []
        : [{ message: `a rule on ${relation} writes something else than it is told to` }];
    // TRIGGER_TYPE_INSTEAD in pg_trigger.h.
    if (kind === "CreateTrigStmt")
      return (Number(fields.timing ?? 0) & 0x40) === 0
        ? []
        : [{ message: `an INSTEAD OF trigger on ${relation} writes in its place` }];
    return writingCalls(statement, context);
  },
};

function writingCalls({ kind, fields }: LintStatement, { standing }: LintContext): Found[] {
  if (kind === "CreateTableAsStmt" && fields.objtype !== "OBJECT_MATVIEW") return [];
  const found: Found[] = [];
  walk(fields.query, (inner, innerKind) => {
    const name = innerKind === "FuncCall" ? quotedParts(inner.funcname) : undefined;
    if (name !== undefined && standing.writers.has(standing.fullName(name)))
      found.push({
        message: `the view calls ${nameParts(inner.funcname).join(".")}(), which writes to tables`,
      });
  });
  return found;
}
