/** Rule rename: what programs call by its name is called something else from one moment to the next. */
import { quoteName } from "../../names.ts";
import { quotedParts, relationName } from "../../relation-name.ts";
import { asText } from "../../sql-tree.ts";
import type { LintContext, LintStatement, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

/** What programs name in their statements; the names of indexes, constraints and triggers are nobody's business. */
const NAMED: Record<string, string> = {
  OBJECT_TABLE: "table",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_COLUMN: "column",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_SCHEMA: "schema",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "domain",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "procedure",
  OBJECT_FOREIGN_TABLE: "foreign table",
};

export const rename: Rule = {
  id: "rename",
  severity: "error",
  title: "Something that programs name gets another name",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock" },
  why: "Programs are not replaced in the moment of COMMIT: the old ones fail after it, the new ones before it. There is no order in which both work.",
  mend: "add the new name beside the old (a column kept equal by a trigger, a view for a table), move the programs, and take the old one away in a later release",
  loss: true,
  setup: SHOP,
  bad: "alter table orders rename column total to amount;",
  good: "create view purchases as select id, total as amount from orders;",
  on: ["RenameStmt", "AlterObjectSchemaStmt"],
  check: (statement, context) => {
    const { kind, fields } = statement;
    const type = String(kind === "RenameStmt" ? fields.renameType : fields.objectType);
    const word = NAMED[type];
    const owner = ownerOf(statement);
    if (word === undefined || owner === undefined || !isUsed(owner, type, context)) return [];
    const moved = kind === "AlterObjectSchemaStmt";
    const column = type === "OBJECT_COLUMN" ? `${quoteName(asText(fields.subname) ?? "")} of ` : "";
    return [
      {
        message: `${word} ${column}${owner} is ${moved ? "moved to schema" : "renamed to"} ${quoteName(asText(moved ? fields.newschema : fields.newname) ?? "")}, and whoever uses the old name fails`,
        ...(fields.relation === undefined ? {} : { relations: [owner] }),
      },
    ];
  },
};

function ownerOf({ fields }: LintStatement): string | undefined {
  const schema = fields.renameType === "OBJECT_SCHEMA" ? asText(fields.subname) : undefined;
  if (schema !== undefined) return quoteName(schema);
  return relationName(fields.relation) ?? quotedParts(fields.object);
}

function isUsed(owner: string, type: string, { stood, standing }: LintContext): boolean {
  if (type === "OBJECT_SCHEMA") return standing.objects.get(`${type} ${owner}`) !== standing.release;
  return stood(owner) && !standing.madeObject(type, owner);
}
