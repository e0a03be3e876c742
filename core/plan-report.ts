/** Data plans beside what the rehearsal measured: what is lost as a number, and not only in words. */
import type { DataPlan, PlanBrief } from "./data-plan.ts";
import { RehearsalError } from "./errors.ts";
import type { Migration, Statement } from "./migration.ts";
import { mayBeSame, readName, writeName } from "./plain-name.ts";
import { few, isLoss, type Loss, lossesOf, statedLoss } from "./plan-coverage.ts";
import type { WholeName } from "./plan-names.ts";
import type { ContentChange } from "./plan-reach.ts";
import type { RehearsalReport, RunMeasure } from "./report.ts";

export interface PlanReport extends PlanBrief {
  /** The migration's path. */
  migration: string;
  statements: PlannedMeasure[];
  /** Each object that the plan bounds, with all that its statements lose of it together. */
  bounds: MeasuredLoss[];
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
interface PlannedLoss extends Loss {
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
interface Measured extends Pick<RehearsalReport, "runs" | "batches"> {
  /** What each file wrote in its transaction. */
  writes?: readonly { path: string; changed: RunMeasure["changed"] }[];
  /** The tables that hold something else, beyond the columns that plans name. */
  content?: readonly ContentChange[];
}

/** One plan with its measures; `counted` holds the counts of tables and columns by `object`, `whole` finds the schema where a name has none. */
export function reportPlan(
  plan: DataPlan,
  migration: Pick<Migration, "path" | "statements">,
  measured: Measured,
  counted: ReadonlyMap<string, number | null>,
  whole: WholeName = (name) => name,
): PlanReport {
  const losses = plannedLosses(plan, migration);
  const lost = losses.map((loss) => ({
    loss,
    measured:
      loss.kind === "rows of"
        ? rowsWritten(migration.path, loss, losses, measured, whole)
        : (counted.get(loss.object) ?? null),
  }));
  const { path, sha256, why, notes, rebuild, back, approvers } = plan;
  return {
    ...{ path, sha256, why, notes, rebuild, back, approvers },
    migration: migration.path,
    statements: migration.statements.flatMap((statement) => {
      const said = plan.statements.find(({ fingerprint }) => fingerprint === statement.fingerprint);
      if (said === undefined) return [];
      const { line, summary, fingerprint } = statement;
      const own = lost.filter(({ loss }) => loss.statement === statement);
      return {
        ...{ line, summary, fingerprint },
        ...(said.loses !== undefined && { loses: said.loses }),
        losses: own.map(({ loss, measured: rows }) => {
          const bound = Object.entries(plan.loses).find(([key]) => isLoss(key, loss))?.[1];
          return { object: loss.object, measured: rows, ...(bound !== undefined && { planned: bound }) };
        }),
        deterministic: "not claimed" as const,
      };
    }),
    bounds: Object.entries(plan.loses).flatMap(([object, planned]) => {
      const stated = statedLoss(object);
      const of = lost.filter(({ loss }) => isLoss(object, loss)).map(({ measured: rows }) => rows);
      if (of.length === 0) return [];
      if (stated?.kind !== "rows of") return [{ object, measured: largest(of), planned }];
      // Triggers, cascades and functions write rows that no statement's own count tells of.
      const counts = [
        rowsCounted(migration.path, stated.name, measured, whole),
        rowsReplaced(stated.name, measured, whole),
      ];
      const others = counts.filter((count) => count !== null);
      return [{ object, measured: largest([total(of), ...others]), planned }];
    }),
  };
}

const largest = (counts: (number | null)[]): number | null =>
  counts.length === 0 || counts.includes(null) ? null : Math.max(...counts.map(Number));

const total = (counts: (number | null)[]): number | null =>
  counts.includes(null) ? null : counts.reduce((sum: number, count) => sum + Number(count), 0);

/** The statement's own count where it writes one table; else all rows of that table that its file updated or deleted. */
function rowsWritten(
  path: string,
  { statement, name }: PlannedLoss,
  losses: readonly PlannedLoss[],
  measured: Measured,
  whole: WholeName,
): number | null {
  const batch = measured.batches?.find((one) => one.path === path);
  if (batch !== undefined) return batch.rows;
  const item = measured.runs.flatMap(({ items }) => items).find((one) => one.path === path);
  // Two statements may look alike, and stand on one line: their places in the file are their own.
  const rows = item?.statements[statement.index]?.rows;
  const own = losses.filter((loss) => loss.statement === statement && loss.kind === "rows of");
  if (own.length === 1 && rows !== null && rows !== undefined && statement.kind !== "DoStmt") return rows;
  return rowsCounted(path, name, measured, whole);
}

/** The rows of that table that the file updated or deleted, or its whole run where no more is known; null outside a transaction. */
function rowsCounted(
  path: string,
  name: readonly string[],
  { runs, writes }: Measured,
  whole: WholeName,
): number | null {
  const run = runs.find(({ items }) => items.some((item) => item.path === path));
  if (run === undefined || !run.transactional) return null;
  const changed = writes?.find((one) => one.path === path)?.changed ?? run.changed;
  const wanted = whole(name) ?? name;
  const counts = Object.entries(changed).filter(([table]) => mayBeSame(readName(table) ?? [], wanted));
  return counts.reduce((sum, [, { updated, deleted }]) => sum + updated + deleted, 0);
}

/** The rows that stood in that table before it was emptied, rewritten or replaced; null where it was not. */
function rowsReplaced(name: readonly string[], { content = [] }: Measured, whole: WholeName): number | null {
  const wanted = whole(name) ?? name;
  const gone = content.filter(({ table, same }) => !same && mayBeSame(readName(table) ?? [], wanted));
  return gone.length === 0 ? null : gone.reduce((sum, { before }) => sum + before, 0);
}

/** Throws `LossBeyondPlan` when more is lost than the plan says, or when what it bounds could not be counted. */
export function refuseLosses(reports: readonly PlanReport[]): void {
  for (const { path, bounds } of reports) {
    const beyond = bounds.filter(isBeyond);
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
