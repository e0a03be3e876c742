/** The objects that a statement makes as tables, changes, renames, empties or drops: what a data plan has to name. */
import { functionBodies, type SqlNode } from "./function-bodies.ts";
import { asList, asText, fieldsOf, isTree, nameParts, type Tree, unwrap, walk } from "./sql-tree.ts";

interface TouchedObject {
  /** The word of SQL: "table", "column", "type". */
  kind: string;
  /** As the file writes it, schema first when it gives one; a part of a table (column, constraint, trigger) behind the table's name. */
  name: readonly string[];
  /** What of its content may be lost: all its rows, the column's values, or the rows that are written over or deleted. Absent: none. */
  loses?: "rows" | "values" | "written rows";
}

export interface Touched {
  objects: TouchedObject[];
  /** True when it may touch others: SQL that is put together while it runs, or a procedure. */
  opaque: boolean;
  /** True for a DROP that takes with it whatever depends on its objects. */
  cascades?: true;
}

/** What the statement touches, each once, in the order of the text. */
export function objectsOf(node: SqlNode): Touched {
  if (node.kind === "DoStmt") return objectsInBodies(node);
  const found = TOUCHES[node.kind]?.(node.fields) ?? [];
  return {
    objects: distinct([...found, ...writtenIn(node)]),
    opaque: OPAQUE.has(node.kind),
    ...(node.fields.behavior === "DROP_CASCADE" && node.kind === "DropStmt" && { cascades: true as const }),
  };
}

/** What they do is written elsewhere, or is done to whatever is there. */
const OPAQUE = new Set(["AlterExtensionStmt", "AlterTableMoveAllStmt", "CallStmt", "ExecuteStmt"]);

type Tell = (fields: Tree) => TouchedObject[];

/** Subtypes of ALTER TABLE that are about one column, or one constraint. */
const PARTS: Record<string, string> = {
  AT_DropColumn: "column",
  AT_AlterColumnType: "column",
  AT_SetExpression: "column",
  AT_DropExpression: "column",
  AT_AddIdentity: "column",
  AT_DropIdentity: "column",
  AT_DropConstraint: "constraint",
};

/** Of these, those after which the column's values are others, or gone. */
const LOSING = new Set<unknown>(["AT_DropColumn", "AT_AlterColumnType", "AT_SetExpression"]);

/** Kinds of object that stand on a relation and are named behind it. */
const ON_RELATION = new Set(["column", "attribute", "constraint", "trigger", "policy", "rule"]);

const TOUCHES: Record<string, Tell> = {
  CreateStmt: (fields) =>
    named(isTemporary(fields.relation) ? "temporary table" : "table", rangeParts(fields.relation)),
  ViewStmt: (fields) => named("view", rangeParts(fields.view)),
  AlterTableStmt: (fields) => {
    const relation = rangeParts(fields.relation);
    const word = wordOf(fields.objtype);
    return asList(fields.cmds).flatMap((item) => {
      const command = fieldsOf(item, "AlterTableCmd") ?? {};
      const part = PARTS[asText(command.subtype) ?? ""];
      const partition = rangeParts(fieldsOf(command.def, "PartitionCmd")?.name);
      const own =
        part === undefined
          ? []
          : named(
              part,
              [...relation, asText(command.name) ?? ""],
              LOSING.has(asText(command.subtype)) ? "values" : undefined,
            );
      return own.length > 0 ? own : [...named(word, relation), ...named("table", partition)];
    });
  },
  AlterDomainStmt: (fields) => named("domain", nameParts(fields.typeName)),
  AlterEnumStmt: (fields) => named("type", nameParts(fields.typeName)),
  AlterTypeStmt: (fields) => named("type", nameParts(fields.typeName)),
  AlterObjectSchemaStmt: (fields) => named(wordOf(fields.objectType), subjectOf(fields)),
  DropStmt: (fields) =>
    asList(fields.objects).flatMap((object) => {
      const word = wordOf(fields.removeType);
      return named(word, objectParts(object), word === "table" ? "rows" : undefined);
    }),
  GrantStmt: (fields) =>
    asList(fields.objects).flatMap((object) => {
      const word = fields.targtype === "ACL_TARGET_ALL_IN_SCHEMA" ? "schema" : wordOf(fields.objtype);
      return named(word, objectParts(object));
    }),
  RenameStmt: (fields) => {
    const word = wordOf(fields.renameType);
    const part = asText(fields.subname);
    const whole = subjectOf(fields);
    return named(
      word,
      part !== undefined && (ON_RELATION.has(word) || whole.length === 0) ? [...whole, part] : whole,
    );
  },
  TruncateStmt: (fields) =>
    asList(fields.relations).flatMap((item) =>
      named("table", rangeParts(fieldsOf(item, "RangeVar")), "rows"),
    ),
  RefreshMatViewStmt: (fields) => named("materialized view", rangeParts(fields.relation)),
  ClusterStmt: (fields) => named("table", rangeParts(fields.relation)),
  ReindexStmt: (fields) => named("relation", rangeParts(fields.relation)),
  VacuumStmt: (fields) =>
    asList(fields.rels).flatMap((item) =>
      named("table", rangeParts(fieldsOf(item, "VacuumRelation")?.relation)),
    ),
};

const WRITES = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/** Statements that may hold others, as `with gone as (delete …) select …`. */
const QUERIES = new Set([...WRITES, "SelectStmt", "CreateTableAsStmt", "ExplainStmt", "PrepareStmt"]);

/** The targets of the writes in it, in WITH queries too. */
function writtenIn({ kind, fields }: SqlNode): TouchedObject[] {
  const found: TouchedObject[] = [];
  if (!QUERIES.has(kind)) return found;
  walk({ [kind]: fields }, (inner, innerKind) => {
    if (innerKind !== undefined && WRITES.has(innerKind))
      found.push(
        ...named(
          "table",
          rangeParts(inner.relation),
          innerKind === "InsertStmt" ? undefined : "written rows",
        ),
      );
  });
  return found;
}

function objectsInBodies(block: SqlNode): Touched {
  const bodies = functionBodies(block);
  const inner = bodies.statements.map(objectsOf);
  return {
    objects: distinct(inner.flatMap(({ objects }) => objects)),
    opaque: bodies.dynamic || bodies.opaque.length > 0 || inner.some(({ opaque }) => opaque),
  };
}

const WORDS: Record<string, string> = { matview: "materialized view", tabconstraint: "constraint" };

/** The word for an ObjectType: OBJECT_FOREIGN_TABLE is "foreign table". */
function wordOf(type: unknown): string {
  const word = (asText(type) ?? "OBJECT_TABLE").slice("OBJECT_".length).toLowerCase();
  return WORDS[word] ?? word.replaceAll("_", " ");
}

function named(kind: string, name: readonly string[], loses?: TouchedObject["loses"]): TouchedObject[] {
  if (name.length === 0 || name.some((part) => part === "")) return [];
  return [{ kind, name, ...(loses !== undefined && { loses }) }];
}

function subjectOf(fields: Tree): string[] {
  return isTree(fields.relation) ? rangeParts(fields.relation) : objectParts(fields.object);
}

function objectParts(object: unknown): string[] {
  const node = unwrap(object);
  if (node?.kind === "RangeVar") return rangeParts(node.fields);
  if (node?.kind === "TypeName") return nameParts(node.fields.names);
  if (node?.kind === "ObjectWithArgs") return nameParts(node.fields.objname);
  return nameParts(object);
}

function isTemporary(range: unknown): boolean {
  return isTree(range) && (range.relpersistence === "t" || range.schemaname === "pg_temp");
}

function rangeParts(range: unknown): string[] {
  if (!isTree(range)) return [];
  return [asText(range.schemaname), asText(range.relname)].filter((part) => part !== undefined);
}

function distinct(objects: readonly TouchedObject[]): TouchedObject[] {
  return [...new Map(objects.map((object) => [JSON.stringify(object), object])).values()];
}
