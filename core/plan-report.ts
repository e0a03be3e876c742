/** Data plans beside what the rehearsal measured: what is lost as a number, and not only in words. */
import type { DataPlan, PlanBrief } from "./data-plan.ts";
import { RehearsalError } from "./errors.ts";
import type { Migration, Statement } from "./migration.ts";
import { mayBeSame, readName, writeName } from "./plain-name.ts";
import { few, isLoss, type Loss, lossesOf, statedLoss } from "./plan-coverage.ts";
import type { RehearsalReport } from "./report.ts";

export interface PlanReport extends PlanBrief {
  /** The migration's path. */
  migration: string;
  statements: PlannedMeasure[];
}

export interface PlannedMeasure {
  line: number;
  summary: string;
  fingerprint: string;
  /** In words. */
  loses?: string;
  losses: MeasuredLoss[];
  deterministic: "proved" | "not claimed";
}

export interface MeasuredLoss {
  /** `table public.files`, `column public.files.doc_no`, `rows of public.files`. */
  object: string;
  /** Rows of the table, values of the column that are not null, or rows written; null where it could not be counted. */
  measured: number | null;
  /** What the plan says it may be at most. */
  planned?: DataPlan["loses"][string];
}

/** A loss of a planned statement, by the object it is of. */
export interface PlannedLoss extends Loss {
  statement: Statement;
  object: string;
}

/** What the plan's statements may lose: what their SQL says, and what the plan says of SQL that is put together while it runs. */
export function plannedLosses(plan: DataPlan, { statements }: Pick<Migration, "statements">): PlannedLoss[] {
  const planned = statements.filter(({ fingerprint }) =>
    plan.statements.some((one) => one.fingerprint === fingerprint),
  );
  return planned.flatMap((statement) => {
    const own = lossesOf(statement);
    const stated = Object.keys(plan.loses).flatMap((key) => statedLoss(key) ?? []);
    const others = stated.filter(
      (loss) => !planned.some((one) => lossesOf(one).some((known) => sameLoss(loss, known))),
    );
    return [...own, ...(statement.touches.opaque ? others : [])].map((loss) => ({
      ...loss,
      statement,
      object: `${loss.kind} ${writeName(loss.name)}`,
    }));
  });
}

function sameLoss(one: Loss, other: Loss): boolean {
  return one.kind === other.kind && mayBeSame(one.name, other.name);
}

/** What of the report the rows that were written are read from. */
type Measured = Pick<RehearsalReport, "runs" | "batches">;

/** One plan with its measures; `counted` holds the counts of tables and columns by `object`. */
export function reportPlan(
  plan: DataPlan,
  migration: Pick<Migration, "path" | "statements">,
  { runs, batches = [] }: Measured,
  counted: ReadonlyMap<string, number | null>,
): PlanReport {
  const losses = plannedLosses(plan, migration);
  const { path, sha256, why, notes, rebuild, back, approvers } = plan;
  return {
    ...{ path, sha256, why, notes, rebuild, back, approvers },
    migration: migration.path,
    statements: migration.statements.flatMap((statement) => {
      const said = plan.statements.find(({ fingerprint }) => fingerprint === statement.fingerprint);
      if (said === undefined) return [];
      const { line, summary, fingerprint } = statement;
      const own = losses.filter((loss) => loss.statement === statement);
      return {
        ...{ line, summary, fingerprint },
        ...(said.loses !== undefined && { loses: said.loses }),
        losses: own.map((loss) => {
          const bound = Object.entries(plan.loses).find(([key]) => isLoss(key, loss))?.[1];
          const measured =
            loss.kind === "rows of"
              ? rowsWritten(migration.path, loss, own, { runs, batches })
              : (counted.get(loss.object) ?? null);
          return { object: loss.object, measured, ...(bound !== undefined && { planned: bound }) };
        }),
        deterministic: "not claimed" as const,
      };
    }),
  };
}

/** The statement's own count where it writes one table; else all rows of that table that its run updated or deleted. */
function rowsWritten(
  path: string,
  { statement, name }: PlannedLoss,
  losses: readonly PlannedLoss[],
  { runs, batches = [] }: Measured,
): number | null {
  const batch = batches.find((one) => one.path === path);
  if (batch !== undefined) return batch.rows;
  const run = runs.find(({ items }) => items.some((item) => item.path === path));
  const item = run?.items.find((one) => one.path === path);
  const rows = item?.statements.find(
    ({ line, summary }) => line === statement.line && summary === statement.summary,
  )?.rows;
  const alone = losses.filter(({ kind }) => kind === "rows of").length === 1;
  if (alone && rows !== null && rows !== undefined && statement.kind !== "DoStmt") return rows;
  if (run === undefined || !run.transactional) return null;
  const counts = Object.entries(run.changed).filter(([table]) => mayBeSame(readName(table) ?? [], name));
  return counts.reduce((sum, [, { updated, deleted }]) => sum + updated + deleted, 0);
}

/** Throws `LossBeyondPlan` when more is lost than the plan says, or when what it bounds could not be counted. */
export function refuseLosses(reports: readonly PlanReport[]): void {
  for (const { path, statements } of reports) {
    const beyond = statements.flatMap(({ losses }) => losses.filter(isBeyond));
    if (beyond.length > 0)
      throw new RehearsalError("LossBeyondPlan", {
        plan: path,
        losses: few(
          beyond.map(
            ({ object, measured, planned }) => `${object}: ${measured ?? "not counted"}, planned ${planned}`,
          ),
        ),
      });
  }
}

function isBeyond({ measured, planned }: MeasuredLoss): boolean {
  if (planned === undefined || planned === "all rows" || planned === "all values") return false;
  return measured === null || measured > (planned === "none" ? 0 : planned);
}
