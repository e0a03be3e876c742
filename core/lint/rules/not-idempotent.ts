/** Rule not-idempotent: a statement that could say IF [NOT] EXISTS or OR REPLACE does not. */
import { asText } from "../../sql-tree.ts";
import { objectWord } from "../../statement-summary.ts";
import { alterationsOf } from "../alterations.ts";
import type { LintStatement, Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const notIdempotent: Rule = {
  id: "not-idempotent",
  severity: "warning",
  title: "A statement that could be run twice is written so that it cannot",
  blocks: "nothing",
  claim: { none: "it is about what a second run does: its test runs both examples twice" },
  why: "In a migration without a transaction a failure leaves the statements before it done: whoever begins again must be able to pass over them. Inside a transaction it is only a habit, for nothing of a failed migration stays.",
  mend: "say IF NOT EXISTS, IF EXISTS or OR REPLACE",
  setup: SHOP,
  bad: "create table parcels (id bigint primary key);",
  good: "create table if not exists parcels (id bigint primary key);",
  on: [
    "CreateStmt",
    "CreateTableAsStmt",
    "IndexStmt",
    "CreateSeqStmt",
    "CreateSchemaStmt",
    "CreateExtensionStmt",
    "CreateFunctionStmt",
    "ViewStmt",
    "CreateTrigStmt",
    "DropStmt",
    "AlterEnumStmt",
    "AlterTableStmt",
  ],
  check: (statement, { file }) => {
    const missing = file.kind === "migration" && !statement.inBlock ? missingWords(statement) : undefined;
    return missing === undefined
      ? []
      : [{ message: `a second run fails: ${missing} is not said`, hint: `say ${missing}` }];
  },
};

/** The words that would make a second run harmless; undefined where they are said or there are none. */
function missingWords(statement: LintStatement): string | undefined {
  const { kind, fields } = statement;
  switch (kind) {
    case "CreateStmt":
    case "CreateTableAsStmt":
    case "CreateSeqStmt":
    case "CreateSchemaStmt":
    case "CreateExtensionStmt":
      return fields.if_not_exists === true ? undefined : "IF NOT EXISTS";
    case "IndexStmt":
      // Without a name there is nothing to look for.
      return fields.if_not_exists === true || asText(fields.idxname) === undefined
        ? undefined
        : "IF NOT EXISTS";
    case "CreateFunctionStmt":
    case "ViewStmt":
      return fields.replace === true ? undefined : "OR REPLACE";
    case "CreateTrigStmt":
      return fields.replace === true || fields.isconstraint === true ? undefined : "OR REPLACE";
    case "DropStmt":
      return fields.missing_ok === true || objectWord(fields.removeType) === undefined
        ? undefined
        : "IF EXISTS";
    case "AlterEnumStmt":
      return fields.oldVal !== undefined || fields.skipIfNewValExists === true ? undefined : "IF NOT EXISTS";
    default:
      return missingInAlteration(statement);
  }
}

function missingInAlteration(statement: LintStatement): string | undefined {
  for (const { subtype, command } of alterationsOf(statement)) {
    if (command.missing_ok === true) continue;
    if (subtype === "AT_AddColumn") return "ADD COLUMN IF NOT EXISTS";
    if (subtype === "AT_DropColumn") return "DROP COLUMN IF EXISTS";
    if (subtype === "AT_DropConstraint") return "DROP CONSTRAINT IF EXISTS";
  }
  return undefined;
}
