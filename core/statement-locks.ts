/** Which lock a statement takes on which relation that stands already, as far as its text tells: after the documentation of each statement, and held to pg_locks by its test. */
import { LOCK_MODES, type LockMode } from "./lock-modes.ts";
import { quotedParts, relationName } from "./relation-name.ts";
import type { ParsedStatement } from "./sql-parser.ts";
import { asList, asText, fieldsOf, isOn, optionsOf, type Tree, unwrap, walk } from "./sql-tree.ts";

export interface Lock {
  /** Quoted, and qualified only if the file qualifies it. */
  relation: string;
  mode: LockMode;
}

/** The locks of one statement, the strongest per relation, in the order of their first mention. */
export function locksOf(statement: Pick<ParsedStatement, "kind" | "fields">): Lock[] {
  const locks = new Map<string, LockMode>();
  const take = (relation: string | undefined, mode: LockMode) => {
    if (relation === undefined) return;
    const held = locks.get(relation);
    if (held === undefined || LOCK_MODES.indexOf(held) < LOCK_MODES.indexOf(mode)) locks.set(relation, mode);
  };
  LOCKS[statement.kind]?.(statement.fields, take);
  if (READERS.has(statement.kind)) takeReads(statement.fields, take);
  return [...locks].map(([relation, mode]) => ({ relation, mode }));
}

type Take = (relation: string | undefined, mode: LockMode) => void;
type Locking = (fields: Tree, take: Take) => void;

const onRelation =
  (mode: LockMode, field = "relation"): Locking =>
  (fields, take) =>
    take(relationName(fields[field]), mode);

/** AlterTableGetLockLevel in Postgres' tablecmds.c: everything not named here takes AccessExclusiveLock. */
const ALTERATIONS: Record<string, LockMode> = {
  AT_SetStatistics: "ShareUpdateExclusiveLock",
  AT_SetOptions: "ShareUpdateExclusiveLock",
  AT_ResetOptions: "ShareUpdateExclusiveLock",
  AT_ClusterOn: "ShareUpdateExclusiveLock",
  AT_DropCluster: "ShareUpdateExclusiveLock",
  AT_SetRelOptions: "ShareUpdateExclusiveLock",
  AT_ResetRelOptions: "ShareUpdateExclusiveLock",
  AT_ValidateConstraint: "ShareUpdateExclusiveLock",
  AT_AttachPartition: "ShareUpdateExclusiveLock",
  AT_DetachPartitionFinalize: "ShareUpdateExclusiveLock",
  AT_EnableTrig: "ShareRowExclusiveLock",
  AT_EnableAlwaysTrig: "ShareRowExclusiveLock",
  AT_EnableReplicaTrig: "ShareRowExclusiveLock",
  AT_EnableTrigAll: "ShareRowExclusiveLock",
  AT_EnableTrigUser: "ShareRowExclusiveLock",
  AT_DisableTrig: "ShareRowExclusiveLock",
  AT_DisableTrigAll: "ShareRowExclusiveLock",
  AT_DisableTrigUser: "ShareRowExclusiveLock",
};

/** Storage parameters that change how the table is read; the other ones take ShareUpdateExclusiveLock. */
const STRONG_OPTIONS = new Set([
  "user_catalog_table",
  "security_barrier",
  "security_invoker",
  "check_option",
]);

function alterTable(fields: Tree, take: Take): void {
  const relation = relationName(fields.relation);
  for (const item of asList(fields.cmds)) {
    const command = fieldsOf(item, "AlterTableCmd");
    if (command === undefined) continue;
    const subtype = asText(command.subtype) ?? "";
    const definition = unwrap(command.def);
    take(relation, lockOfAlteration(subtype, command));
    takeReferences(command.def, take);
    if (definition?.kind !== "PartitionCmd" && !/Inherit/.test(subtype)) continue;
    const other = relationName(definition?.fields.name ?? definition?.fields);
    take(other, subtype === "AT_AddInherit" ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock");
  }
}

function lockOfAlteration(subtype: string, command: Tree): LockMode {
  if (subtype === "AT_AddConstraint")
    return fieldsOf(command.def, "Constraint")?.contype === "CONSTR_FOREIGN"
      ? "ShareRowExclusiveLock"
      : "AccessExclusiveLock";
  if (subtype === "AT_DetachPartition" && fieldsOf(command.def, "PartitionCmd")?.concurrent === true)
    return "ShareUpdateExclusiveLock";
  if (subtype === "AT_SetRelOptions" || subtype === "AT_ResetRelOptions") {
    const names = [...optionsOf(fieldsOf(command.def, "List")?.items ?? command.def).keys()];
    if (names.some((name) => STRONG_OPTIONS.has(name))) return "AccessExclusiveLock";
  }
  return ALTERATIONS[subtype] ?? "AccessExclusiveLock";
}

/** A foreign key puts triggers on the table it refers to. */
function takeReferences(definition: unknown, take: Take): void {
  walk(definition, (fields, kind) => {
    if (kind === "Constraint" && fields.contype === "CONSTR_FOREIGN")
      take(relationName(fields.pktable), "ShareRowExclusiveLock");
  });
}

const READERS = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
  "MergeStmt",
  "ViewStmt",
  "CreateTableAsStmt",
]);

/** Every relation that a query reads (AccessShareLock), locks rows of (RowShareLock) or, in a CTE, writes. */
function takeReads(query: Tree, take: Take): void {
  const ctes = new Set<string>();
  walk(query, (fields, kind) => {
    if (kind === "CommonTableExpr" && typeof fields.ctename === "string") ctes.add(`"${fields.ctename}"`);
  });
  const read = (range: Tree | undefined, mode: LockMode) => {
    const relation = relationName(range);
    if (relation !== undefined && !ctes.has(relation)) take(relation, mode);
  };
  walk(query, (fields, kind) => {
    if (kind === "RangeVar") read(fields, "AccessShareLock");
    if (kind === "InsertStmt" || kind === "UpdateStmt" || kind === "DeleteStmt" || kind === "MergeStmt")
      take(relationName(fields.relation), "RowExclusiveLock");
    if (Array.isArray(fields.lockingClause))
      for (const item of asList(fields.fromClause)) read(fieldsOf(item, "RangeVar"), "RowShareLock");
  });
}

/** What DROP takes its lock on, by kind of object; a trigger, rule or policy is named after its table. */
const DROPS: Record<string, "relation" | "owner"> = {
  OBJECT_TABLE: "relation",
  OBJECT_VIEW: "relation",
  OBJECT_MATVIEW: "relation",
  OBJECT_INDEX: "relation",
  OBJECT_SEQUENCE: "relation",
  OBJECT_FOREIGN_TABLE: "relation",
  OBJECT_TRIGGER: "owner",
  OBJECT_RULE: "owner",
  OBJECT_POLICY: "owner",
};

function drop(fields: Tree, take: Take): void {
  const named = DROPS[asText(fields.removeType) ?? ""];
  if (named === undefined) return;
  for (const object of asList(fields.objects)) {
    const parts = asList(fieldsOf(object, "List")?.items);
    const relation = quotedParts(named === "owner" ? parts.slice(0, -1) : parts);
    take(relation, fields.concurrent === true ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock");
  }
}

const eachOf =
  (field: string, mode: LockMode): Locking =>
  (fields, take) => {
    for (const item of asList(fields[field])) take(relationName(fieldsOf(item, "RangeVar")), mode);
  };

const LOCKS: Record<string, Locking> = {
  AlterTableStmt: alterTable,
  DropStmt: drop,
  TruncateStmt: eachOf("relations", "AccessExclusiveLock"),
  InsertStmt: onRelation("RowExclusiveLock"),
  UpdateStmt: onRelation("RowExclusiveLock"),
  DeleteStmt: onRelation("RowExclusiveLock"),
  MergeStmt: onRelation("RowExclusiveLock"),
  IndexStmt: (fields, take) =>
    take(
      relationName(fields.relation),
      fields.concurrent === true ? "ShareUpdateExclusiveLock" : "ShareLock",
    ),
  ReindexStmt: (fields, take) => {
    const concurrently = isOn(optionsOf(fields.params), "concurrently");
    const whole = fields.kind === "REINDEX_OBJECT_TABLE" ? "ShareLock" : "AccessExclusiveLock";
    take(relationName(fields.relation), concurrently ? "ShareUpdateExclusiveLock" : whole);
  },
  VacuumStmt: (fields, take) => {
    const full = fields.is_vacuumcmd === true && isOn(optionsOf(fields.options), "full");
    for (const item of asList(fields.rels))
      take(
        relationName(fieldsOf(item, "VacuumRelation")?.relation),
        full ? "AccessExclusiveLock" : "ShareUpdateExclusiveLock",
      );
  },
  ClusterStmt: onRelation("AccessExclusiveLock"),
  RefreshMatViewStmt: (fields, take) =>
    take(relationName(fields.relation), fields.concurrent === true ? "ExclusiveLock" : "AccessExclusiveLock"),
  RenameStmt: (fields, take) =>
    take(
      relationName(fields.relation),
      fields.renameType === "OBJECT_INDEX" ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock",
    ),
  AlterObjectSchemaStmt: onRelation("AccessExclusiveLock"),
  AlterSeqStmt: onRelation("ShareRowExclusiveLock", "sequence"),
  CreateTrigStmt: onRelation("ShareRowExclusiveLock"),
  RuleStmt: onRelation("AccessExclusiveLock"),
  CreatePolicyStmt: onRelation("AccessExclusiveLock", "table"),
  AlterPolicyStmt: onRelation("AccessExclusiveLock", "table"),
  CreateStatsStmt: eachOf("relations", "ShareUpdateExclusiveLock"),
  ViewStmt: (fields, take) => {
    // Replacing a view that stands locks it like any ALTER; one that does not stand yet nobody waits for.
    if (fields.replace === true) take(relationName(fields.view), "AccessExclusiveLock");
  },
  CommentStmt: (fields, take) => {
    const parts = asList(fieldsOf(fields.object, "List")?.items);
    if (fields.objtype === "OBJECT_TABLE" || fields.objtype === "OBJECT_VIEW")
      take(quotedParts(parts), "ShareUpdateExclusiveLock");
    if (fields.objtype === "OBJECT_COLUMN") take(quotedParts(parts.slice(0, -1)), "ShareUpdateExclusiveLock");
  },
  CreateStmt: (fields, take) => {
    const parent: LockMode =
      fields.partbound === undefined ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock";
    eachOf("inhRelations", parent)(fields, take);
    takeReferences(fields.tableElts, take);
    for (const item of asList(fields.tableElts)) {
      const like = fieldsOf(item, "TableLikeClause");
      if (like !== undefined) take(relationName(like.relation), "AccessShareLock");
    }
  },
  LockStmt: (fields, take) => {
    const mode = LOCK_MODES[Number(fields.mode) - 1];
    if (mode !== undefined) eachOf("relations", mode)(fields, take);
  },
};
