/** What a statement does to what stands already: adds to it, rewrites it, destroys some of it, or cannot be taken back by a transaction. */
import { functionBodies, type SqlNode } from "./function-bodies.ts";
import { cannotRunInTransaction } from "./non-transactional.ts";
import { asList, asText, fieldsOf, isOn, isTree, nameParts, optionsOf, type Tree, walk } from "./sql-tree.ts";
import { isVolatile } from "./volatile-default.ts";

/** Mildest first. */
const STATEMENT_CLASSES = ["additive", "rewriting", "destructive", "non-transactional"] as const;

export type StatementClass = (typeof STATEMENT_CLASSES)[number];

/** The class of one statement; what writes rows it does not add counts as rewriting, and a DO block as its worst statement. */
export function classOf(statement: SqlNode): StatementClass {
  if (cannotRunInTransaction(statement) !== undefined) return "non-transactional";
  if (statement.kind === "DoStmt") return worstInBodies(statement);
  const known = CLASSES[statement.kind] ?? (ADDITIVE.has(statement.kind) ? "additive" : "destructive");
  const own = typeof known === "string" ? known : known(statement.fields);
  return WITH_QUERIES.has(statement.kind) ? worst([own, ...writesInQueries(statement.fields)]) : own;
}

type Classify = (fields: Tree) => StatementClass;

/** By subtype of ALTER TABLE; what is not named here may take something away. */
const ALTERATIONS: Record<string, StatementClass | Classify> = {
  AT_AddColumn: addColumn,
  AT_AddConstraint: "additive",
  AT_AddIndexConstraint: "additive",
  AT_AddInherit: "additive",
  AT_AddOf: "additive",
  AT_AttachPartition: "additive",
  AT_ClusterOn: "additive",
  AT_ColumnDefault: "additive",
  AT_DropCluster: "additive",
  AT_DropNotNull: "additive",
  AT_EnableAlwaysRule: "additive",
  AT_EnableAlwaysTrig: "additive",
  AT_EnableRule: "additive",
  AT_EnableTrig: "additive",
  AT_EnableTrigAll: "additive",
  AT_EnableTrigUser: "additive",
  AT_ReplicaIdentity: "additive",
  AT_ResetOptions: "additive",
  AT_ResetRelOptions: "additive",
  AT_SetCompression: "additive",
  AT_SetIdentity: (command) =>
    optionsOf(fieldsOf(command.def, "List")?.items).has("restart") ? "destructive" : "additive",
  AT_SetNotNull: "additive",
  AT_SetOptions: "additive",
  AT_SetRelOptions: "additive",
  AT_SetStatistics: "additive",
  AT_SetStorage: "additive",
  AT_ValidateConstraint: "additive",
  AT_AddIdentity: "rewriting",
  AT_AlterColumnType: "rewriting",
  AT_SetAccessMethod: "rewriting",
  AT_SetExpression: "rewriting",
  AT_SetLogged: "rewriting",
  AT_SetTableSpace: "rewriting",
  AT_SetUnLogged: "rewriting",
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

/** Kinds that make something new, or change nothing that is stored. */
const ADDITIVE = new Set([
  "AlterObjectDependsStmt",
  "AlterStatsStmt",
  "ClosePortalStmt",
  "CommentStmt",
  "CompositeTypeStmt",
  "ConstraintsSetStmt",
  "CopyStmt",
  "CreateAmStmt",
  "CreateCastStmt",
  "CreateConversionStmt",
  "CreateDomainStmt",
  "CreateEnumStmt",
  "CreateEventTrigStmt",
  "CreateExtensionStmt",
  "CreateFdwStmt",
  "CreateForeignServerStmt",
  "CreateForeignTableStmt",
  "CreateFunctionStmt",
  "CreateOpClassStmt",
  "CreateOpFamilyStmt",
  "CreatePLangStmt",
  "CreatePolicyStmt",
  "CreatePublicationStmt",
  "CreateRangeStmt",
  "CreateSchemaStmt",
  "CreateSeqStmt",
  "CreateStatsStmt",
  "CreateStmt",
  "CreateTableAsStmt",
  "CreateTransformStmt",
  "CreateTrigStmt",
  "CreateUserMappingStmt",
  "DeallocateStmt",
  "DeclareCursorStmt",
  "DefineStmt",
  "ExplainStmt",
  "FetchStmt",
  "ImportForeignSchemaStmt",
  "IndexStmt",
  "InsertStmt",
  "LockStmt",
  "NotifyStmt",
  "PrepareStmt",
  "SecLabelStmt",
  "SelectStmt",
  "TransactionStmt",
  "VariableSetStmt",
  "VariableShowStmt",
  "ViewStmt",
]);

/** Options of ALTER FUNCTION that leave alone what the function does, and with whose rights. */
const PLANNER_OPTIONS = new Set(["cost", "leakproof", "parallel", "rows", "support", "volatility"]);

/** By kind of node; what is named neither here nor above may take something away. */
const CLASSES: Record<string, StatementClass | Classify> = {
  AlterTableStmt: (fields) =>
    worst(
      asList(fields.cmds).map((item) => {
        const command = fieldsOf(item, "AlterTableCmd") ?? {};
        const known = ALTERATIONS[asText(command.subtype) ?? ""] ?? "destructive";
        return typeof known === "string" ? known : known(command);
      }),
    ),
  AlterDefaultPrivilegesStmt: (fields) =>
    isTree(fields.action) && fields.action.is_grant === true ? "additive" : "destructive",
  AlterDomainStmt: (fields) => (fields.subtype === "X" ? "destructive" : "additive"),
  AlterEnumStmt: (fields) => (fields.oldVal === undefined ? "additive" : "destructive"),
  AlterExtensionContentsStmt: (fields) => (Number(fields.action) > 0 ? "additive" : "destructive"),
  AlterFunctionStmt: (fields) =>
    [...optionsOf(fields.actions).keys()].every((option) => PLANNER_OPTIONS.has(option))
      ? "additive"
      : "destructive",
  AlterObjectSchemaStmt: "destructive",
  AlterOpFamilyStmt: (fields) => (fields.isDrop === true ? "destructive" : "additive"),
  AlterPublicationStmt: (fields) => (fields.action === "AP_AddObjects" ? "additive" : "destructive"),
  AlterSeqStmt: (fields) => (optionsOf(fields.options).has("restart") ? "destructive" : "additive"),
  AlterTSConfigurationStmt: (fields) =>
    fields.kind === "ALTER_TSCONFIG_ADD_MAPPING" ? "additive" : "destructive",
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
  RuleStmt: (fields) => (fields.instead === true ? "destructive" : "additive"),
  RenameStmt: "destructive",
  TruncateStmt: "destructive",
  UpdateStmt: "rewriting",
  VacuumStmt: (fields) => (isOn(optionsOf(fields.options), "full") ? "rewriting" : "additive"),
};

/** Functions of the server that set back a sequence, take large objects away, or run a text as SQL. */
const TAKING = new Set([
  "setval",
  "lo_open",
  "lo_put",
  "lo_truncate",
  "lo_truncate64",
  "lo_unlink",
  "lowrite",
  "query_to_xml",
  "query_to_xml_and_xmlschema",
  "query_to_xmlschema",
  "ts_rewrite",
  "ts_stat",
]);

/** Statements that may carry another one inside, as `with gone as (delete …) select …`. */
const WITH_QUERIES = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "CreateTableAsStmt",
  "DeclareCursorStmt",
  "ExplainStmt",
  "PrepareStmt",
]);

function writesInQueries(fields: Tree): StatementClass[] {
  const found: StatementClass[] = [];
  walk(fields, (inner, kind) => {
    if (kind === "DeleteStmt") found.push("destructive");
    if (kind === "FuncCall" && TAKING.has(nameParts(inner.funcname).at(-1) ?? "")) found.push("destructive");
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
