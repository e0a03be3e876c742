/** Which statements of a migration may only run under a data plan: the invariant "additive, or planned", decided statement by statement. */
import type { Migration, Statement } from "./migration.ts";
import { mayBeSame, writeName } from "./plain-name.ts";

/** Kinds that write a relation's files anew, or drop nothing, and leave every row and value as it was. */
const KEEPING = new Set(["IndexStmt", "ReindexStmt", "VacuumStmt", "ClusterStmt", "RefreshMatViewStmt"]);

/** The statements that need a plan, in order. What only changes a table that the same migration has made before has nothing to lose; a temporary one hides another of its name, and is gone before it. */
export function needingPlan({ statements }: Pick<Migration, "statements">): Statement[] {
  const made: (readonly string[])[] = [];
  return statements.filter((statement) => {
    const needed = needsPlan(statement) && !isAboutNew(statement, made);
    if (statement.kind === "CreateStmt" && !statement.guarded)
      made.push(...statement.touches.objects.flatMap(({ kind, name }) => (kind === "table" ? [name] : [])));
    return needed;
  });
}

/** The statements of a file that runs again whenever it changes that would need a plan, which it cannot have. Replacing a view of its own is no loss. */
export function needingMigration({ statements }: Pick<Migration, "statements">): Statement[] {
  const remade = ({ kind, touches, guarded, index }: Statement) =>
    kind === "DropStmt" &&
    guarded &&
    touches.cascades !== true &&
    touches.objects.every(
      (view) =>
        view.kind === "view" &&
        statements.some(
          (one) =>
            one.kind === "ViewStmt" &&
            one.index > index &&
            one.touches.objects.some(({ name }) => writeName(name) === writeName(view.name)),
        ),
    );
  return needingPlan({ statements }).filter((statement) => !remade(statement));
}

/** True for everything that is not additive, but for what provably loses and changes no content; a procedure may do anything. */
function needsPlan({ kind, class: its, touches }: Pick<Statement, "kind" | "class" | "touches">): boolean {
  if (kind === "CallStmt" || touches.opaque) return true;
  return its !== "additive" && !KEEPING.has(kind);
}

/** Kinds that reach no further than the tables they name; a DELETE or a DROP may cascade. */
const CONFINED = new Set(["AlterTableStmt", "UpdateStmt"]);

function isAboutNew({ kind, touches }: Statement, made: readonly (readonly string[])[]): boolean {
  if (!CONFINED.has(kind) || touches.objects.length === 0) return false;
  return touches.objects.every(({ kind: word, name }) => {
    const table = word === "table" ? name : name.slice(0, -1);
    return made.some((one) => one.length === table.length && mayBeSame(one, table));
  });
}
