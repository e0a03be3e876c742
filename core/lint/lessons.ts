/** What each statement leaves standing: how the picture of the database grows from statement to statement. */
import { CHANGE_TRIGGER } from "../feed-migration.ts";
import { functionBodies } from "../function-bodies.ts";
import { quoteName } from "../names.ts";
import { quotedParts, relationName } from "../relation-name.ts";
import { asList, asText, fieldsOf, isTree, nameParts, optionsOf, type Tree, walk } from "../sql-tree.ts";
import { type Alteration, alterationsOf, constraintsOf, keysOf, typeText } from "./alterations.ts";
import { columnsChecked, provenNotNull } from "./checked-columns.ts";
import type { LintStatement } from "./rule.ts";
import type { KnownTable, Standing } from "./standing.ts";

/** Takes in what a statement does. */
export function learn(standing: Standing, statement: LintStatement, path: string): void {
  LESSONS[statement.kind]?.({ standing, statement, fields: statement.fields, path });
}

interface Lesson {
  standing: Standing;
  statement: LintStatement;
  fields: Tree;
  path: string;
}

const LESSONS: Record<string, (lesson: Lesson) => void> = {
  CreateStmt: createTable,
  CreateTableAsStmt: ({ standing, fields }) => {
    const made = isTree(fields.into) ? relationName(fields.into.rel) : undefined;
    if (made !== undefined) standing.make(made);
  },
  ViewStmt: ({ standing, fields }) => madeAnew(standing, "OBJECT_VIEW", relationName(fields.view)),
  CreateSeqStmt: ({ standing, fields }) =>
    madeAnew(standing, "OBJECT_SEQUENCE", relationName(fields.sequence)),
  CreateEnumStmt: ({ standing, fields }) => madeAnew(standing, "OBJECT_TYPE", quotedParts(fields.typeName)),
  CreateDomainStmt: ({ standing, fields }) =>
    madeAnew(standing, "OBJECT_DOMAIN", quotedParts(fields.domainname)),
  CompositeTypeStmt: ({ standing, fields }) =>
    madeAnew(standing, "OBJECT_TYPE", relationName(fields.typevar)),
  CreateSchemaStmt: ({ standing, fields }) => {
    const name = asText(fields.schemaname);
    if (name !== undefined) standing.objects.set(`OBJECT_SCHEMA ${quoteName(name)}`, standing.release);
  },
  CreateFunctionStmt: createFunction,
  IndexStmt: createIndex,
  AlterTableStmt: (lesson) => {
    for (const alteration of alterationsOf(lesson.statement))
      ALTERATIONS[alteration.subtype]?.(lesson, alteration);
  },
  CreateTrigStmt: ({ standing, fields }) => {
    const [table, recorder] = [relationName(fields.relation), quotedParts(fields.funcname)];
    if (asText(fields.trigname) === CHANGE_TRIGGER && table !== undefined && recorder !== undefined)
      standing.recorders.set(standing.fullName(table), standing.fullName(recorder));
  },
  RenameStmt: rename,
  DropStmt: ({ standing, fields }) => {
    for (const object of asList(fields.objects)) {
      const name = quotedParts(object) ?? quotedParts(fieldsOf(object, "TypeName")?.names);
      if (name === undefined) continue;
      standing.tables.delete(standing.fullName(name));
      standing.indexes.delete(standing.fullName(name));
    }
  },
};

/** CREATE OR REPLACE of something that an earlier release made does not make it new. */
function madeAnew(standing: Standing, kind: string, name: string | undefined): void {
  if (name === undefined) return;
  const key = `${kind} ${standing.fullName(name)}`;
  if (!standing.objects.has(key)) standing.objects.set(key, standing.release);
}

function createTable(lesson: Lesson): void {
  const { standing, fields } = lesson;
  const relation = relationName(fields.relation);
  // CREATE TABLE IF NOT EXISTS of what is known to stand makes nothing.
  if (relation === undefined || (fields.if_not_exists === true && standing.table(relation))) return;
  const table = standing.make(relation);
  for (const item of asList(fields.tableElts)) {
    const column = fieldsOf(item, "ColumnDef");
    if (column !== undefined) addColumn(lesson, relation, table, column);
    const constraint = fieldsOf(item, "Constraint");
    if (constraint !== undefined) addConstraint(lesson, relation, table, constraint);
  }
}

function addColumn(lesson: Lesson, relation: string, table: KnownTable, column: Tree): void {
  const name = asText(column.colname);
  if (name === undefined) return;
  table.columns.set(name, typeText(column.typeName) ?? "");
  for (const constraint of constraintsOf(column)) addConstraint(lesson, relation, table, constraint, name);
}

function addConstraint(
  { standing, statement, path }: Lesson,
  relation: string,
  table: KnownTable,
  constraint: Tree,
  column?: string,
): void {
  const kind = asText(constraint.contype) ?? "";
  if (!LASTING.has(kind)) return;
  const columns = column === undefined ? columnsOf(constraint, kind) : [column];
  const name = asText(constraint.conname) ?? chosenName(relation, kind, columns);
  table.constraints.set(name, {
    kind,
    valid: constraint.skip_validation !== true,
    columns,
    notNull: provenNotNull(constraint, kind, columns),
    path,
    statement: statement.index,
    release: standing.release,
  });
  if (SERVED.has(kind) && columns.length > 0)
    standing.indexes.set(standing.beside(relation, name), {
      table: standing.fullName(relation),
      columns,
      release: standing.release,
    });
}

const LASTING = new Set([
  "CONSTR_CHECK",
  "CONSTR_FOREIGN",
  "CONSTR_PRIMARY",
  "CONSTR_UNIQUE",
  "CONSTR_EXCLUSION",
  "CONSTR_NOTNULL",
]);

/** Constraints that an index serves. */
const SERVED = new Set(["CONSTR_PRIMARY", "CONSTR_UNIQUE"]);

function columnsOf(constraint: Tree, kind: string): string[] {
  return kind === "CONSTR_CHECK" ? columnsChecked(constraint.raw_expr) : keysOf(constraint);
}

/** As ChooseConstraintName in Postgres' indexcmds.c and tablecmds.c does, without the cutting of long names. */
function chosenName(relation: string, kind: string, columns: readonly string[]): string {
  const table = /"((?:[^"]|"")*)"$/.exec(relation)?.[1]?.replaceAll('""', '"') ?? "";
  if (kind === "CONSTR_PRIMARY") return `${table}_pkey`;
  const ending: Record<string, string> = {
    CONSTR_CHECK: "check",
    CONSTR_FOREIGN: "fkey",
    CONSTR_UNIQUE: "key",
    CONSTR_EXCLUSION: "excl",
    CONSTR_NOTNULL: "not_null",
  };
  const named = kind === "CONSTR_CHECK" && columns.length !== 1 ? [] : columns;
  return [table, ...named, ending[kind] ?? "check"].join("_");
}

function createIndex({ standing, fields }: Lesson): void {
  const relation = relationName(fields.relation);
  if (relation === undefined) return;
  const columns = asList(fields.indexParams).flatMap((item) => {
    const name = asText(fieldsOf(item, "IndexElem")?.name);
    return name === undefined ? [] : [name];
  });
  const name = asText(fields.idxname) ?? `${columns.join("_")}_idx_${standing.indexes.size}`;
  // An index of some rows only does not serve what looks for any row.
  const served = fields.whereClause === undefined ? columns : [];
  standing.indexes.set(standing.beside(relation, name), {
    table: standing.fullName(relation),
    columns: served,
    release: standing.release,
  });
}

function createFunction({ standing, statement, fields }: Lesson): void {
  const name = quotedParts(fields.funcname);
  if (name === undefined) return;
  madeAnew(standing, "OBJECT_FUNCTION", name);
  const full = standing.fullName(name);
  const options = optionsOf(fields.options);
  const volatility = nameParts(options.get("volatility"))[0] ?? "volatile";
  if (volatility === "volatile") standing.volatile.add(full);
  else standing.volatile.delete(full);
  const bodies = functionBodies(statement);
  let writes = bodies.dynamic;
  walk(
    [bodies.statements.map(({ kind, fields: inner }) => ({ [kind]: inner })), fields.sql_body],
    (_, kind) => {
      if (kind !== undefined && WRITES.has(kind)) writes = true;
    },
  );
  if (writes) standing.writers.add(full);
  else standing.writers.delete(full);
  const recorded = new Set<string>();
  walk(
    bodies.statements.map(({ kind, fields: inner }) => ({ [kind]: inner })),
    (node, kind) => {
      const [row, column] = kind === "ColumnRef" && isTree(node) ? nameParts(node.fields) : [];
      if (row === "new" && column !== undefined) recorded.add(column);
    },
  );
  standing.recorded.set(full, recorded);
  for (const [table, { recorder, column }] of standing.unkeyed)
    if (recorder === full && !recorded.has(column)) standing.unkeyed.delete(table);
}

/** A column goes, at least by its name, which a change feed's function may go by. */
function loseColumn({ standing, statement, path }: Lesson, relation: string, column: string): void {
  const table = standing.fullName(relation);
  const recorder = standing.recorders.get(table);
  if (recorder !== undefined && standing.recorded.get(recorder)?.has(column))
    standing.unkeyed.set(table, { recorder, column, path, statement: statement.index });
}

const WRITES = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt"]);

const ALTERATIONS: Record<string, (lesson: Lesson, alteration: Alteration) => void> = {
  AT_AddColumn: (lesson, { relation, definition }) =>
    addColumn(lesson, relation, lesson.standing.found(relation), definition),
  AT_DropColumn: (lesson, { relation, name }) => {
    if (name === undefined) return;
    lesson.standing.table(relation)?.columns.delete(name);
    loseColumn(lesson, relation, name);
  },
  AT_AlterColumnType: ({ standing }, { relation, name, definition }) => {
    const type = typeText(definition.typeName);
    if (name !== undefined && type !== undefined) standing.found(relation).columns.set(name, type);
  },
  AT_AddConstraint: (lesson, { relation, definition }) =>
    addConstraint(lesson, relation, lesson.standing.found(relation), definition),
  AT_ValidateConstraint: ({ standing }, { relation, name }) => {
    const constraint = standing.table(relation)?.constraints.get(name ?? "");
    if (constraint !== undefined) constraint.valid = true;
  },
  AT_SetNotNull: (lesson, { relation, name }) => {
    const constraint = { contype: "CONSTR_NOTNULL" };
    if (name !== undefined)
      addConstraint(lesson, relation, lesson.standing.found(relation), constraint, name);
  },
  AT_DropNotNull: ({ standing }, { relation, name }) => {
    const constraints = standing.table(relation)?.constraints;
    for (const [key, { kind, columns }] of constraints ?? [])
      if (kind === "CONSTR_NOTNULL" && columns[0] === name) constraints?.delete(key);
  },
  AT_DropConstraint: ({ standing }, { relation, name }) => {
    standing.table(relation)?.constraints.delete(name ?? "");
  },
};

function rename(lesson: Lesson): void {
  const { standing, fields } = lesson;
  const relation = relationName(fields.relation);
  const [from, to] = [asText(fields.subname), asText(fields.newname)];
  if (relation === undefined || to === undefined) return;
  if (fields.renameType === "OBJECT_COLUMN" && from !== undefined) loseColumn(lesson, relation, from);
  const table = standing.table(relation);
  if (fields.renameType === "OBJECT_TABLE" && table !== undefined) {
    const old = standing.fullName(relation);
    standing.tables.delete(old);
    standing.tables.set(standing.beside(relation, to), table);
    for (const index of standing.indexes.values())
      if (index.table === old) index.table = standing.beside(relation, to);
    const recorder = standing.recorders.get(old);
    if (recorder !== undefined) standing.recorders.set(standing.beside(relation, to), recorder);
    standing.recorders.delete(old);
  }
  if (table === undefined || from === undefined) return;
  const known = fields.renameType === "OBJECT_COLUMN" ? table.columns : undefined;
  const type = known?.get(from);
  if (type !== undefined) {
    known?.delete(from);
    known?.set(to, type);
  }
  const constraint = fields.renameType === "OBJECT_TABCONSTRAINT" ? table.constraints.get(from) : undefined;
  if (constraint !== undefined) {
    table.constraints.delete(from);
    table.constraints.set(to, constraint);
  }
}
