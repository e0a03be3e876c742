/** Rule drop-object: something that programs may call or name is dropped. */
import { quotedParts } from "../../relation-name.ts";
import { asList, fieldsOf } from "../../sql-tree.ts";
import { objectWord } from "../../statement-summary.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const USED = new Set([
  "OBJECT_VIEW",
  "OBJECT_MATVIEW",
  "OBJECT_SEQUENCE",
  "OBJECT_TYPE",
  "OBJECT_DOMAIN",
  "OBJECT_FUNCTION",
  "OBJECT_PROCEDURE",
  "OBJECT_AGGREGATE",
]);

export const dropObject: Rule = {
  id: "drop-object",
  severity: "warning",
  title: "A view, function, type or sequence that programs may use is dropped",
  blocks: "reads",
  claim: { table: "open_orders", lock: "AccessExclusiveLock" },
  why: "Its rows, if it has any, can be made again, but programs that name it fail from the moment of COMMIT.",
  mend: "replace it with CREATE OR REPLACE, or drop it in a later release than the one in which programs stopped using it",
  loss: true,
  setup: `${SHOP}\ncreate view open_orders as select id from orders where status = 'new';`,
  bad: "drop view open_orders;",
  good: "comment on view open_orders is 'read by nobody since release 12';",
  on: ["DropStmt"],
  check: ({ fields }, { standing, file }) => {
    const kind = String(fields.removeType);
    // A view's own file drops it to make it anew.
    if (!USED.has(kind) || file.kind === "view") return [];
    return asList(fields.objects)
      .map(
        (object) =>
          quotedParts(object) ??
          quotedParts(fieldsOf(object, "ObjectWithArgs")?.objname) ??
          quotedParts(fieldsOf(object, "TypeName")?.names),
      )
      .filter((name) => name !== undefined && !standing.madeObject(kind, name))
      .map((name) => ({ message: `${objectWord(kind)} ${name} is dropped, and whoever names it fails` }));
  },
};
