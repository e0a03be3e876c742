/** Rule security-definer-without-search-path: a function with its owner's rights looks names up where its caller says. */
import { quotedParts } from "../../relation-name.ts";
import { asList, asText, fieldsOf, isTree, optionsOf } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const securityDefinerWithoutSearchPath: Rule = {
  id: "security-definer-without-search-path",
  severity: "warning",
  title: "A SECURITY DEFINER function takes its search_path from whoever calls it",
  blocks: "nothing",
  claim: { none: "it is about rights; defining a function locks no relation" },
  why: "It runs with its owner's rights. A caller who may make objects anywhere puts a schema of theirs in front and has their own function or table used with those rights.",
  mend: "SET search_path = pg_catalog, pg_temp on the function, and name schemas in its body",
  setup: SHOP,
  bad: "create or replace function order_count() returns bigint language sql stable security definer as 'select count(*) from public.orders';",
  good: "create or replace function order_count() returns bigint language sql stable security definer set search_path = pg_catalog, pg_temp as 'select count(*) from public.orders';",
  on: ["CreateFunctionStmt", "AlterFunctionStmt"],
  check: ({ kind, fields }) => {
    const list = kind === "CreateFunctionStmt" ? fields.options : fields.actions;
    const security = fieldsOf(optionsOf(list).get("security"), "Boolean");
    if (security?.boolval !== true || asList(list).some(setsSearchPath)) return [];
    // Names in a body that is parsed when it is defined are looked up then.
    if (fields.sql_body !== undefined) return [];
    const name =
      quotedParts(fields.funcname) ?? quotedParts(isTree(fields.func) ? fields.func.objname : undefined);
    return [{ message: `${name} runs with its owner's rights and its caller's search_path` }];
  },
};

/** Options of the same name may stand several times: `SET a = … SET b = …`. */
function setsSearchPath(item: unknown): boolean {
  const option = fieldsOf(item, "DefElem");
  return option?.defname === "set" && asText(fieldsOf(option.arg, "VariableSetStmt")?.name) === "search_path";
}
