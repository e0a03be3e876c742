/** The ledger's schema in the target database: any mention of it, in any place of a statement where a schema can be named. */
import type { Refusal } from "./forbidden-statements.ts";
import { asList, asText, fieldsOf, nameParts, stringConstant, type Tree } from "./sql-tree.ts";

/** The schema that holds a database's identity and the record of what was applied. */
export const LEDGER_SCHEMA = "rehearsal";

/** What anybody may call there: triggers ask whether Rehearsal acts, and tell what was archived. */
export const LEDGER_FUNCTIONS: ReadonlySet<string> = new Set(["is_acting", "record_archived"]);

/** Fields that list columns or values, where one may well be called like the schema. */
const NOT_NAMES = new Set([
  "aliascolnames",
  "aliases",
  "args",
  "attlist",
  "attributes",
  "colNames",
  "cols",
  "colnames",
  "columns",
  "cycle_col_list",
  "fields",
  "fk_attrs",
  "fk_del_set_cols",
  "including",
  "indirection",
  "items",
  "keys",
  "pk_attrs",
  "publication",
  "search_col_list",
  "tokentype",
  "usingClause",
  "va_cols",
  "vals",
]);

/** Objects that stand on a table and are named after it: schema, table, name. */
const ON_TABLES = new Set([
  "OBJECT_COLUMN",
  "OBJECT_TRIGGER",
  "OBJECT_RULE",
  "OBJECT_POLICY",
  "OBJECT_TABCONSTRAINT",
]);

/** Fields that hold a bare schema name wherever they occur. */
const SCHEMA_FIELDS = ["schemaname", "newschema", "local_schema", "nspname"];

/** Functions that take a relation's name as text. */
const TAKE_NAMES = new Set(["nextval", "setval", "currval", "pg_get_serial_sequence", "to_regclass"]);

/** A refusal when these fields of the tree name the ledger's schema. */
export function ledgerMention(fields: Tree, kind: string | undefined): Refusal | undefined {
  const mention =
    bareSchema(fields) ??
    qualifiedName(fields, kind) ??
    namedSchema(fields, kind) ??
    nameInText(fields, kind);
  return mention === undefined ? undefined : { code: "LedgerTouched", what: mention };
}

/** A relation's schema, CREATE SCHEMA, ALTER … SET SCHEMA. */
function bareSchema(fields: Tree): string | undefined {
  if (!SCHEMA_FIELDS.some((field) => fields[field] === LEDGER_SCHEMA)) return undefined;
  const relation = asText(fields.relname);
  return relation === undefined ? `schema ${LEDGER_SCHEMA}` : `${LEDGER_SCHEMA}.${relation}`;
}

/** A qualified name in any field that is not a list of columns or values; a database's name may stand before the schema. */
function qualifiedName(fields: Tree, kind: string | undefined): string | undefined {
  const type = asText(fields.removeType) ?? asText(fields.objtype) ?? "";
  const afterSchema = ON_TABLES.has(type) || fields.pct_type === true ? 2 : 1;
  for (const field of Object.keys(fields)) {
    const value = fields[field];
    // What is no list is one word, with no schema before it.
    if (NOT_NAMES.has(field) || (!Array.isArray(value) && fieldsOf(value, "List") === undefined)) continue;
    // DROP and GRANT hold several names in one field; a plain list there is several objects, not one name.
    const inside = asList(value).filter(
      (item) => field === "objects" || fieldsOf(item, "List") !== undefined,
    );
    for (const name of field === "objects" ? inside : [value, ...inside]) {
      const parts = nameParts(name);
      // Called, and never made or replaced.
      if (
        kind === "FuncCall" &&
        field === "funcname" &&
        parts.length === 2 &&
        LEDGER_FUNCTIONS.has(parts[1] ?? "")
      )
        continue;
      if (parts.at(-1 - afterSchema) === LEDGER_SCHEMA) return parts.join(".");
    }
  }
  return undefined;
}

/** The statements that name a schema as their object. */
function namedSchema(fields: Tree, kind: string | undefined): string | undefined {
  const about = [fields.objtype, fields.objectType, fields.removeType, fields.renameType];
  const whole = about.includes("OBJECT_SCHEMA") || fields.targtype === "ACL_TARGET_ALL_IN_SCHEMA";
  const named = whole
    ? [fields.objects, fields.object].flatMap(nameParts).concat(texts(fields.subname, fields.newname))
    : NAMING[kind ?? ""]?.(fields);
  return named?.includes(LEDGER_SCHEMA) ? `schema ${LEDGER_SCHEMA}` : undefined;
}

const NAMING: Record<string, (fields: Tree) => string[]> = {
  // CREATE SCHEMA AUTHORIZATION rehearsal makes a schema with the role's name.
  CreateSchemaStmt: (fields) =>
    fields.schemaname === undefined ? texts((fields.authrole as Tree | undefined)?.rolename) : [],
  ReindexStmt: (fields) => (fields.kind === "REINDEX_OBJECT_SCHEMA" ? texts(fields.name) : []),
  PublicationObjSpec: (fields) =>
    fields.pubobjtype === "PUBLICATIONOBJ_TABLES_IN_SCHEMA" ? texts(fields.name) : [],
  DefElem: (fields) => (/^schemas?$/.test(asText(fields.defname) ?? "") ? nameParts(fields.arg) : []),
  VariableSetStmt: searchPath,
};

/** A search_path that leads into the schema; CREATE FUNCTION … SET holds one too. */
function searchPath(fields: Tree): string[] {
  if (fields.name !== "search_path") return [];
  return asList(fields.args).flatMap((item) => pathNames(stringConstant(item) ?? ""));
}

function pathNames(path: string): string[] {
  return path.split(",").map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
}

/** `'rehearsal.applied'::regclass`, `nextval('rehearsal.x')`, `set_config('search_path', 'rehearsal', …)`. */
function nameInText(fields: Tree, kind: string | undefined): string | undefined {
  if (kind === "TypeCast") {
    const type = nameParts((fields.typeName as Tree | undefined)?.names).at(-1) ?? "";
    return type.startsWith("reg") ? ledgerText(stringConstant(fields.arg)) : undefined;
  }
  if (kind !== "FuncCall") return undefined;
  const name = nameParts(fields.funcname).at(-1) ?? "";
  const first = argument(fields, 0);
  if (TAKE_NAMES.has(name)) return ledgerText(first);
  if (name === "set_config" && first === "search_path")
    return pathNames(argument(fields, 1) ?? "").find((part) => part === LEDGER_SCHEMA);
  return undefined;
}

function argument(call: Tree, index: number): string | undefined {
  const value = asList(call.args)[index];
  return stringConstant(fieldsOf(value, "TypeCast")?.arg ?? value);
}

function ledgerText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return new RegExp(`^\\s*"?${LEDGER_SCHEMA}"?\\s*(\\.|$)`).test(text) ? text : undefined;
}

function texts(...values: unknown[]): string[] {
  return values.flatMap((value) => asText(value) ?? []);
}
