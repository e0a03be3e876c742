/** Rule session-leak: something of the session would outlive the statement's transaction. */
import { asText, isTree } from "../../sql-tree.ts";
import type { Found, LintStatement, Rule } from "../rule.ts";

export const sessionLeak: Rule = {
  id: "session-leak",
  severity: "warning",
  title: "Something of the session is left behind for the statements after it",
  blocks: "nothing",
  claim: { none: "it is about the session, not about relations; Rehearsal resets its own after each run" },
  why: "A SET without LOCAL, a temporary table, a prepared statement, a cursor WITH HOLD, LISTEN or an advisory lock of the session stays after COMMIT. In a session that others use next, as behind a pooler, it is theirs then. Rehearsal refuses the ones that would change what it does itself: for those this is an error.",
  mend: "SET LOCAL, pg_advisory_xact_lock, ON COMMIT DROP, or a WITH query in place of a temporary table",
  setup: "",
  bad: "set work_mem = '64MB';",
  good: "set local work_mem = '64MB';",
  on: ["*"],
  check: (statement, { file, refusals }) => {
    if (statement.inBlock) return [];
    const refused = REFUSABLE.has(statement.kind)
      ? refusals(statement).filter(({ code }) => code === "SessionChange")
      : [];
    if (refused.length > 0)
      return refused.map(({ what, ...more }) => ({
        message: `${what}${"reason" in more ? `: ${more.reason}` : ""}`,
        severity: "error" as const,
        hint: `Rehearsal does not run it; ${sessionLeak.mend}`,
      }));
    return leftBehind(statement).filter(() => file.kind !== "view");
  },
};

/** Where a refused change of the session may stand. */
const REFUSABLE = new Set([
  "VariableSetStmt",
  "DiscardStmt",
  "ListenStmt",
  "UnlistenStmt",
  "SelectStmt",
  "DoStmt",
  "CallStmt",
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
]);

function leftBehind({ kind, fields }: LintStatement): Found[] {
  switch (kind) {
    case "VariableSetStmt":
      return fields.is_local === true || String(fields.kind) === "VAR_SET_MULTI"
        ? []
        : [{ message: `${asText(fields.name) ?? "a setting"} is changed for the whole session` }];
    case "CreateStmt":
      return temporary(fields.relation, fields.oncommit);
    case "CreateTableAsStmt":
      return isTree(fields.into) ? temporary(fields.into.rel, fields.into.onCommit) : [];
    case "PrepareStmt":
      return [{ message: "a prepared statement stays for the whole session" }];
    case "DeclareCursorStmt":
      return (Number(fields.options ?? 0) & WITH_HOLD) === 0
        ? []
        : [{ message: "a cursor WITH HOLD stays for the whole session" }];
    default:
      return [];
  }
}

function temporary(relation: unknown, onCommit: unknown): Found[] {
  return isTree(relation) && relation.relpersistence === "t" && onCommit !== "ONCOMMIT_DROP"
    ? [{ message: `temporary table "${asText(relation.relname)}" stays for the whole session` }]
    : [];
}

/** CURSOR_OPT_HOLD in parsenodes.h. */
const WITH_HOLD = 0x20;
