/** What a statement does to what stands already: adds to it, rewrites it, destroys some of it, or cannot be taken back by a transaction. */
import { functionBodies, type SqlNode } from "./function-bodies.ts";
import { cannotRunInTransaction } from "./non-transactional.ts";
import { asList, asText, fieldsOf, isOn, optionsOf, type Tree, walk } from "./sql-tree.ts";
import { isVolatile } from "./volatile-default.ts";

/** Mildest first. */
export const STATEMENT_CLASSES = ["additive", "rewriting", "destructive", "non-transactional"] as const;

export type StatementClass = (typeof STATEMENT_CLASSES)[number];

/** The class of one statement; what writes rows it does not add counts as rewriting, and a DO block as its worst statement. */
export function classOf(statement: SqlNode): StatementClass {
  if (cannotRunInTransaction(statement) !== undefined) return "non-transactional";
  if (statement.kind === "DoStmt") return worstInBodies(statement);
  const known = CLASSES[statement.kind];
  const own = known === undefined ? "additive" : typeof known === "string" ? known : known(statement.fields);
  return WITH_QUERIES.has(statement.kind) ? worst([own, ...writesInQueries(statement.fields)]) : own;
}

type Classify = (fields: Tree) => StatementClass;

/** By subtype of ALTER TABLE; what is not named here only adds or adjusts. */
const ALTERATIONS: Record<string, StatementClass | Classify> = {
  AT_AddColumn: addColumn,
  AT_AddIdentity: "rewriting",
  AT_AlterColumnType: "rewriting",
  AT_SetExpression: "rewriting",
  AT_SetLogged: "rewriting",
  AT_SetUnLogged: "rewriting",
  AT_SetAccessMethod: "rewriting",
  AT_SetTableSpace: "rewriting",
  AT_DropColumn: "destructive",
  AT_DropConstraint: "destructive",
  AT_DropIdentity: "destructive",
  AT_DropExpression: "destructive",
  AT_DropInherit: "destructive",
  AT_DropOf: "destructive",
  AT_DetachPartition: "destructive",
  AT_DisableRowSecurity: "destructive",
  AT_NoForceRowSecurity: "destructive",
  AT_DisableTrig: "destructive",
  AT_DisableTrigAll: "destructive",
  AT_DisableTrigUser: "destructive",
  AT_DisableRule: "destructive",
};

const SERIALS = new Set(["serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"]);

/** Adding a column rewrites the table when each row needs a value of its own. */
function addColumn(command: Tree): StatementClass {
  const column = fieldsOf(command.def, "ColumnDef");
  const type = column?.typeName;
  const names = typeof type === "object" && type !== null ? asList((type as Tree).names) : [];
  if (names.some((name) => SERIALS.has(asText(fieldsOf(name, "String")?.sval) ?? ""))) return "rewriting";
  const rewrites = asList(column?.constraints).some((item) => {
    const constraint = fieldsOf(item, "Constraint");
    if (constraint?.contype === "CONSTR_IDENTITY") return true;
    if (constraint?.contype === "CONSTR_GENERATED") return constraint.generated_kind !== "v";
    return constraint?.contype === "CONSTR_DEFAULT" && isVolatile(constraint.raw_expr);
  });
  return rewrites ? "rewriting" : "additive";
}

/** By kind of node; what is not named here is additive: it makes something new, or changes nothing that is stored. */
const CLASSES: Record<string, StatementClass | Classify> = {
  AlterTableStmt: (fields) =>
    worst(
      asList(fields.cmds).map((item) => {
        const command = fieldsOf(item, "AlterTableCmd") ?? {};
        const known = ALTERATIONS[asText(command.subtype) ?? ""] ?? "additive";
        return typeof known === "string" ? known : known(command);
      }),
    ),
  AlterDomainStmt: (fields) => (fields.subtype === "X" ? "destructive" : "additive"),
  AlterEnumStmt: (fields) => (fields.oldVal === undefined ? "additive" : "destructive"),
  AlterObjectSchemaStmt: "destructive",
  AlterTableMoveAllStmt: "rewriting",
  AlterTypeStmt: "rewriting",
  ClusterStmt: "rewriting",
  DeleteStmt: "destructive",

  DropStmt: "destructive",
  GrantStmt: (fields) => (fields.is_grant === true ? "additive" : "destructive"),
  MergeStmt: (fields) =>
    asList(fields.mergeWhenClauses).some(
      (item) => fieldsOf(item, "MergeWhenClause")?.commandType === "CMD_DELETE",
    )
      ? "destructive"
      : "rewriting",
  RefreshMatViewStmt: "rewriting",
  ReindexStmt: "rewriting",
  RenameStmt: "destructive",
  TruncateStmt: "destructive",
  UpdateStmt: "rewriting",
  VacuumStmt: (fields) => (isOn(optionsOf(fields.options), "full") ? "rewriting" : "additive"),
};

/** Statements that may carry another one inside, as `with gone as (delete …) select …`. */
const WITH_QUERIES = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "CreateTableAsStmt",
  "ExplainStmt",
  "PrepareStmt",
]);

function writesInQueries(fields: Tree): StatementClass[] {
  const found: StatementClass[] = [];
  walk(fields, (inner, kind) => {
    if (kind === "DeleteStmt") found.push("destructive");
    if (kind === "UpdateStmt" || kind === "MergeStmt" || inner.action === "ONCONFLICT_UPDATE")
      found.push("rewriting");
  });
  return found;
}

/** A body that builds SQL while it runs may do anything, so it counts as destructive. */
function worstInBodies(block: SqlNode): StatementClass {
  const bodies = functionBodies(block);
  if (bodies.dynamic || bodies.opaque.length > 0) return "destructive";
  return worst(bodies.statements.map(classOf));
}

function worst(classes: readonly StatementClass[]): StatementClass {
  return (
    STATEMENT_CLASSES[Math.max(0, ...classes.map((one) => STATEMENT_CLASSES.indexOf(one)))] ?? "additive"
  );
}
