/** One statement of a file, with what is known of it before it runs. */
import type { ParsedStatement } from "./sql-parser.ts";
import { asList, asText, fieldsOf, isOn, isTree, optionsOf, type Tree } from "./sql-tree.ts";
import { classOf, type StatementClass } from "./statement-class.ts";
import { fingerprintOf } from "./statement-fingerprint.ts";
import { type Lock, locksOf } from "./statement-locks.ts";
import { objectsOf, type Touched } from "./statement-objects.ts";
import { summarize } from "./statement-summary.ts";

export interface Statement {
  /** Place in the file, from 0. */
  index: number;
  /** The exact source, without the semicolon. */
  sql: string;
  /** Line of its first token, from 1. */
  line: number;
  /** The parse tree's node: "AlterTableStmt". */
  kind: string;
  class: StatementClass;
  /** What a data plan names it by: sixteen hex digits, whatever its formatting. */
  fingerprint: string;
  touches: Touched;
  locks: Lock[];
  /** One short line for people: `alter table "segments" add column "speaker_id"`. */
  summary: string;
  /** The index that a concurrent statement builds or rebuilds: what it leaves invalid when it is cut off. Unquoted, without schema. */
  concurrentIndex?: string;
  /** True when it says IF [NOT] EXISTS or OR REPLACE: running it again is no error. */
  guarded: boolean;
}

/** Classes, locks and sums up one parsed statement. */
export function describeStatement(parsed: ParsedStatement, index: number): Statement {
  const concurrentIndex = indexBuiltConcurrently(parsed);
  return {
    index,
    sql: parsed.sql,
    line: parsed.line,
    kind: parsed.kind,
    class: classOf(parsed),
    fingerprint: fingerprintOf(parsed),
    touches: objectsOf(parsed),
    locks: locksOf(parsed),
    summary: summarize(parsed),
    ...(concurrentIndex === undefined ? {} : { concurrentIndex }),
    guarded: isGuarded(parsed),
  };
}

function indexBuiltConcurrently({ kind, fields }: ParsedStatement): string | undefined {
  if (kind === "IndexStmt" && fields.concurrent === true) return asText(fields.idxname);
  if (kind !== "ReindexStmt" || fields.kind !== "REINDEX_OBJECT_INDEX") return undefined;
  if (!isOn(optionsOf(fields.params), "concurrently") || !isTree(fields.relation)) return undefined;
  return asText(fields.relation.relname);
}

/** Kinds that do the same each time they run. */
const REPEATABLE = new Set(["VacuumStmt", "ReindexStmt", "ClusterStmt", "RefreshMatViewStmt"]);

function isGuarded({ kind, fields }: ParsedStatement): boolean {
  if (REPEATABLE.has(kind) || says(fields)) return true;
  const commands = asList(fields.cmds).map((item) => fieldsOf(item, "AlterTableCmd") ?? {});
  return kind === "AlterTableStmt" && commands.length > 0 && commands.every(says);
}

function says(fields: Tree): boolean {
  return ["missing_ok", "if_not_exists", "skipIfNewValExists", "replace"].some(
    (word) => fields[word] === true,
  );
}
