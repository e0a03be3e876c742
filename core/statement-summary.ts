/** A statement in one short line for people: reports, plans, errors. */
import { quoteName } from "./names.ts";
import { quotedParts, relationName } from "./relation-name.ts";
import type { ParsedStatement } from "./sql-parser.ts";
import { asList, asText, fieldsOf, isTree, type Tree, unwrap } from "./sql-tree.ts";

const LENGTH = 120;

/** Such as `alter table "segments" add column "speaker_id"`; for kinds without a form of their own, the source on one line, cut. */
export function summarize(statement: ParsedStatement): string {
  const summary = SUMMARIES[statement.kind]?.(statement.fields) ?? onOneLine(statement.sql);
  return summary.length > LENGTH ? `${summary.slice(0, LENGTH - 1)}…` : summary;
}

/** The source on one line: runs of white space made one space, control characters made visible. */
function onOneLine(sql: string): string {
  return sql
    .replace(/\s+/g, " ")
    .trim()
    .replace(/\p{Cc}/gu, "�");
}

type Summary = (fields: Tree) => string | undefined;

/** `words "relation"`, when the field holds a relation. */
const onRelation =
  (words: string, field = "relation"): Summary =>
  (fields) => {
    const relation = relationName(fields[field]);
    return relation && `${words} ${relation}`;
  };

const OBJECTS: Record<string, string> = {
  OBJECT_TABLE: "table",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_INDEX: "index",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_FOREIGN_TABLE: "foreign table",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "domain",
  OBJECT_SCHEMA: "schema",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "procedure",
  OBJECT_AGGREGATE: "aggregate",
  OBJECT_EXTENSION: "extension",
};

/** The SQL word of an ObjectType. */
export function objectWord(type: unknown): string | undefined {
  return typeof type === "string" ? OBJECTS[type] : undefined;
}

const ALTERATIONS: Record<string, string> = {
  AT_AddColumn: "add column",
  AT_DropColumn: "drop column",
  AT_ColumnDefault: "alter default of",
  AT_DropNotNull: "drop not null of",
  AT_SetNotNull: "set not null on",
  AT_AlterColumnType: "alter type of",
  AT_AddConstraint: "add constraint",
  AT_DropConstraint: "drop constraint",
  AT_ValidateConstraint: "validate constraint",
  AT_AlterConstraint: "alter constraint",
  AT_AddIdentity: "add identity to",
  AT_DropIdentity: "drop identity of",
  AT_SetStatistics: "set statistics of",
  AT_SetStorage: "set storage of",
  AT_SetCompression: "set compression of",
  AT_SetExpression: "set expression of",
  AT_DropExpression: "drop expression of",
  AT_ChangeOwner: "change owner",
  AT_SetLogged: "set logged",
  AT_SetUnLogged: "set unlogged",
  AT_SetAccessMethod: "set access method",
  AT_SetTableSpace: "set tablespace",
  AT_AttachPartition: "attach partition",
  AT_DetachPartition: "detach partition",
  AT_EnableRowSecurity: "enable row level security",
  AT_DisableRowSecurity: "disable row level security",
  AT_ForceRowSecurity: "force row level security",
  AT_EnableTrig: "enable trigger",
  AT_DisableTrig: "disable trigger",
  AT_EnableTrigAll: "enable trigger all",
  AT_DisableTrigAll: "disable trigger all",
  AT_ReplicaIdentity: "change replica identity",
};

function alteration(command: unknown): string | undefined {
  const fields = fieldsOf(command, "AlterTableCmd");
  const words = ALTERATIONS[asText(fields?.subtype) ?? ""];
  if (fields === undefined || words === undefined) return undefined;
  const definition = unwrap(fields.def)?.fields;
  const name = asText(fields.name) ?? asText(definition?.colname) ?? asText(definition?.conname);
  if (name !== undefined) return `${words} ${quoteName(name)}`;
  if (definition?.contype !== undefined)
    return `${words} (${String(definition.contype).slice("CONSTR_".length).toLowerCase()})`;
  const partition = relationName(definition?.name);
  return partition === undefined ? words : `${words} ${partition}`;
}

const SUMMARIES: Record<string, Summary> = {
  AlterTableStmt: (fields) => {
    const commands = asList(fields.cmds).map(alteration);
    const word = objectWord(fields.objtype);
    if (word === undefined || commands.some((command) => command === undefined)) return undefined;
    return `alter ${word} ${relationName(fields.relation)} ${commands.join(", ")}`;
  },
  CreateStmt: onRelation("create table"),
  CreateTableAsStmt: (fields) => {
    const into = isTree(fields.into) ? relationName(fields.into.rel) : undefined;
    return into && `create ${objectWord(fields.objtype) ?? "table"} ${into} as select`;
  },
  ViewStmt: (fields) => {
    const view = relationName(fields.view);
    return view && `create ${fields.replace === true ? "or replace " : ""}view ${view}`;
  },
  IndexStmt: (fields) => {
    const relation = relationName(fields.relation);
    const name = asText(fields.idxname);
    return `create ${fields.unique === true ? "unique " : ""}index ${fields.concurrent === true ? "concurrently " : ""}${name === undefined ? "" : `${quoteName(name)} `}on ${relation}`;
  },
  DropStmt: (fields) => {
    const word = objectWord(fields.removeType);
    const names = asList(fields.objects).map(
      (object) =>
        quotedParts(object) ??
        quotedParts(fieldsOf(object, "TypeName")?.names) ??
        quotedParts(fieldsOf(object, "ObjectWithArgs")?.objname),
    );
    if (word === undefined || names.some((name) => name === undefined)) return undefined;
    return `drop ${word} ${fields.concurrent === true ? "concurrently " : ""}${names.join(", ")}${fields.behavior === "DROP_CASCADE" ? " cascade" : ""}`;
  },
  TruncateStmt: (fields) =>
    `truncate ${asList(fields.relations)
      .map((relation) => relationName(fieldsOf(relation, "RangeVar")))
      .join(", ")}`,
  InsertStmt: onRelation("insert into"),
  UpdateStmt: onRelation("update"),
  DeleteStmt: onRelation("delete from"),
  MergeStmt: onRelation("merge into"),
  CreateFunctionStmt: (fields) =>
    `create ${fields.replace === true ? "or replace " : ""}${fields.is_procedure === true ? "procedure" : "function"} ${quotedParts(fields.funcname)}`,
  CreateEnumStmt: (fields) => `create type ${quotedParts(fields.typeName)} as enum`,
  AlterEnumStmt: (fields) => {
    const type = quotedParts(fields.typeName);
    const [from, to] = [asText(fields.oldVal), asText(fields.newVal)];
    return from === undefined
      ? `alter type ${type} add value '${to}'`
      : `alter type ${type} rename value '${from}' to '${to}'`;
  },
  CreateTrigStmt: (fields) =>
    `create trigger ${quoteName(asText(fields.trigname) ?? "")} on ${relationName(fields.relation)}`,
  RefreshMatViewStmt: (fields) =>
    `refresh materialized view ${fields.concurrent === true ? "concurrently " : ""}${relationName(fields.relation)}`,
  DoStmt: () => "do block",
};
