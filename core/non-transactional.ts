/** Statements that Postgres refuses inside a transaction block, and those that mean nothing outside one. */
import type { ParsedStatement } from "./sql-parser.ts";
import { asList, fieldsOf, isOn, optionsOf, type Tree } from "./sql-tree.ts";

type Node = Pick<ParsedStatement, "kind" | "fields">;

/** What of the statement cannot run inside a transaction ("CREATE INDEX CONCURRENTLY"), or undefined when it can. */
export function cannotRunInTransaction({ kind, fields }: Node): string | undefined {
  return OUTSIDE[kind]?.(fields);
}

/** What of the statement has no effect when it runs alone ("LOCK TABLE"), or undefined. */
export function needsTransaction({ kind, fields }: Node): string | undefined {
  return INSIDE[kind]?.(fields);
}

/** Cursor options of DECLARE: CURSOR_OPT_HOLD in parsenodes.h. */
const WITH_HOLD = 0x20;

type Tell = (fields: Tree) => string | undefined;

/** From the callers of PreventInTransactionBlock in Postgres; those that are refused for other reasons are not named. */
const OUTSIDE: Record<string, Tell> = {
  IndexStmt: (fields) => (fields.concurrent === true ? "CREATE INDEX CONCURRENTLY" : undefined),
  DropStmt: (fields) => (fields.concurrent === true ? "DROP INDEX CONCURRENTLY" : undefined),
  ReindexStmt: (fields) => {
    if (isOn(optionsOf(fields.params), "concurrently")) return "REINDEX CONCURRENTLY";
    const whole = /SCHEMA|SYSTEM|DATABASE/.exec(String(fields.kind))?.[0];
    return whole === undefined ? undefined : `REINDEX ${whole}`;
  },
  VacuumStmt: (fields) => (fields.is_vacuumcmd === true ? "VACUUM" : undefined),
  ClusterStmt: (fields) => (fields.relation === undefined ? "CLUSTER of every table" : undefined),
  AlterTableStmt: (fields) =>
    asList(fields.cmds).some((item) => {
      const command = fieldsOf(item, "AlterTableCmd");
      return fieldsOf(command?.def, "PartitionCmd")?.concurrent === true;
    })
      ? "DETACH PARTITION CONCURRENTLY"
      : undefined,
};

const INSIDE: Record<string, Tell> = {
  LockStmt: () => "LOCK TABLE",
  ConstraintsSetStmt: () => "SET CONSTRAINTS",
  VariableSetStmt: (fields) => (fields.is_local === true ? "SET LOCAL" : undefined),
  DeclareCursorStmt: (fields) =>
    (Number(fields.options ?? 0) & WITH_HOLD) === 0 ? "DECLARE CURSOR without HOLD" : undefined,
  FetchStmt: () => "FETCH",
};
