/** Rule enum-value-renamed: a value of an enum goes away under its old name. */
import { quotedParts } from "../../relation-name.ts";
import { asText } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";

export const enumValueRenamed: Rule = {
  id: "enum-value-renamed",
  severity: "error",
  title: "A value of an enum is renamed, and is gone under its old name",
  blocks: "nothing",
  claim: { none: "renaming a value changes one row of a catalog; no lock on a relation is taken" },
  why: "Rows keep the value, but programs that write or compare the old word fail from the moment of COMMIT, and those that know only the old words meet one they do not know.",
  mend: "add the new value beside the old, move the rows in batches and the programs, and leave the old value unused",
  loss: true,
  setup: "create type state as enum ('new', 'payed');",
  bad: "alter type state rename value 'payed' to 'paid';",
  good: "alter type state add value if not exists 'paid';",
  on: ["AlterEnumStmt"],
  check: ({ fields }, { standing }) => {
    const type = quotedParts(fields.typeName) ?? "";
    if (fields.oldVal === undefined || standing.madeObject("OBJECT_TYPE", type)) return [];
    return [
      {
        message: `value '${asText(fields.oldVal)}' of ${type} is gone: it is renamed to '${asText(fields.newVal)}'`,
      },
    ];
  },
};
