/** Rule drop-cascade: CASCADE drops what the statement does not name. */

import { quotedParts } from "../../relation-name.ts";
import { asList, fieldsOf } from "../../sql-tree.ts";
import { alterationsOf } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const dropCascade: Rule = {
  id: "drop-cascade",
  severity: "error",
  title: "CASCADE drops what the statement does not name",
  blocks: "reads",
  claim: { table: "open_orders", lock: "AccessExclusiveLock" },
  why: "Views, foreign keys, defaults and columns that depend on the dropped object go with it, on every table where they are, without being named in the file: a reviewer does not see them, and on production there may be more of them than on a copy of last week.",
  mend: "name what is to go in statements of its own and leave CASCADE out: then Postgres refuses when something was forgotten",
  loss: true,
  setup: `${SHOP}\ncreate function is_open(status text) returns boolean language sql immutable as 'select status = ''new''';\ncreate view open_orders as select id from orders where is_open(status);`,
  bad: "drop function is_open(text) cascade;",
  good: "create or replace function is_open(status text) returns boolean language sql immutable as 'select status in (''new'', ''paid'')';",
  on: ["DropStmt", "AlterTableStmt"],
  check: (statement, { stood, standing }) => {
    const { kind, fields } = statement;
    if (kind === "AlterTableStmt")
      return alterationsOf(statement)
        .filter(({ command, relation }) => command.behavior === "DROP_CASCADE" && stood(relation))
        .map(({ relation }) => ({ message: `what depends on this part of ${relation} is dropped unnamed` }));
    if (fields.behavior !== "DROP_CASCADE" || SCHEMAS.has(String(fields.removeType))) return [];
    const names = asList(fields.objects).map(
      (object) =>
        quotedParts(object) ??
        quotedParts(fieldsOf(object, "ObjectWithArgs")?.objname) ??
        quotedParts(fieldsOf(object, "TypeName")?.names),
    );
    return names
      .filter((name) => name !== undefined && !standing.madeObject(String(fields.removeType), name))
      .map((name) => ({ message: `what depends on ${name} is dropped unnamed` }));
  },
};

/** Those have a rule of their own. */
const SCHEMAS = new Set(["OBJECT_SCHEMA", "OBJECT_EXTENSION"]);
