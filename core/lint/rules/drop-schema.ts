/** Rule drop-schema: a schema or an extension is dropped, with what is in it. */
import { quoteName } from "../../names.ts";
import { asList, nameParts } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const WORDS: Record<string, string> = { OBJECT_SCHEMA: "schema", OBJECT_EXTENSION: "extension" };

export const dropSchema: Rule = {
  id: "drop-schema",
  severity: "error",
  title: "A schema or an extension is dropped",
  blocks: "reads",
  claim: { table: "archive.entries", lock: "AccessExclusiveLock" },
  why: "What is in it goes with it: tables with their rows, or the types and functions of an extension with every column that uses them. The statement does not name what it destroys.",
  mend: "drop what is in it by name, each under its own rule, and the empty schema last; then allow it with the reason",
  loss: true,
  setup: `${SHOP}\ncreate schema archive;\ncreate table archive.entries (id bigint primary key);`,
  bad: "drop schema archive cascade;",
  good: "comment on schema archive is 'read by nobody since release 12; to be emptied table by table';",
  on: ["DropStmt"],
  check: ({ fields }, { standing }) => {
    const kind = String(fields.removeType);
    const word = WORDS[kind];
    if (word === undefined) return [];
    return asList(fields.objects)
      .map((object) => nameParts(object)[0] ?? "")
      .filter((name) => standing.objects.get(`${kind} ${quoteName(name)}`) !== standing.release)
      .map((name) => ({ message: `${word} ${quoteName(name)} is dropped with what is in it` }));
  },
};
