/** One table on its way over: what it was, what became of it, and why it may not stay. */
import { RehearsalError } from "../../core/errors.ts";
import type { ContentSum } from "../../core/import/content-sum.ts";
import type { Referring } from "../../core/import/load-order.ts";
import type { PlannedTable } from "../../core/import/sqlite-plan.ts";
import type { ImportedTable, TableStatus } from "../../core/import/sqlite-report.ts";
import { quoteQualified } from "../../core/names.ts";
import type { Target } from "../postgres/import-targets.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { SqliteRows } from "./sqlite-rows.ts";

/** A planned table, and how far it is. */
export interface Course extends Referring {
  planned: PlannedTable;
  target: Target;
  /** What Postgres holds: nothing, rows of migrations that give way, or any other. */
  standing: "empty" | "giving-way" | "rows";
  rows: SqliteRows;
  postgres?: ContentSum;
  differing?: string[];
  replaced?: number;
}

/** A table before anything is known of it but its plan. */
export function courseOf(
  { database, targets }: { database: SqliteDatabase; targets: readonly Target[] },
  planned: PlannedTable,
): Course {
  const { schema, name } = planned.target;
  const target = targets.find((one) => one.schema === schema && one.name === name);
  if (target === undefined) throw new Error(`${schema}.${name} is planned and not there`);
  return {
    ...{ planned, target, name: quoteQualified(schema, name), standing: "empty" as const },
    rows: new SqliteRows(database, planned),
    references: target.references.map(({ constraint, deferrable, ...to }) => ({
      ...{ constraint, deferrable, to: quoteQualified(to.schema, to.table) },
    })),
  };
}

/** What it is told as, in the report. */
export function tableOf(course: Course, good: boolean): ImportedTable {
  const { planned, name, rows, postgres, differing, replaced } = course;
  const status = statusOf(course);
  return {
    table: planned.from.name,
    into: name,
    status: status === "loaded" && !good ? "not-loaded" : status,
    sqlite: rows.sums.sum(),
    postgres: postgres ?? null,
    ...(differing !== undefined && { differing }),
    ...(replaced !== undefined && { replaced }),
    refused: rows.refused,
    refusals: rows.refusals,
    columns: planned.columns.map(({ from, target }) => ({ from, into: target.name, type: target.shown })),
    left: planned.left,
  };
}

function statusOf({ standing, rows, postgres }: Course): TableStatus {
  if (rows.refused > 0) return "refused";
  if (postgres === undefined) return "not-loaded";
  if (equal(postgres, rows.sums.sum())) return standing === "rows" ? "unchanged" : "loaded";
  return standing === "rows" ? "other-rows" : "differs";
}

/** Why nothing may be committed: what holds other rows first, for nothing else matters then. */
export function refusalOf(order: readonly Course[]): RehearsalError | undefined {
  const of = (status: TableStatus) => order.filter((course) => statusOf(course) === status);
  const [taken] = of("other-rows");
  if (taken !== undefined)
    return new RehearsalError("ImportTableTaken", {
      ...{ table: taken.name, rows: taken.postgres?.rows ?? 0, file: taken.rows.read },
      others: of("other-rows").length - 1,
    });
  const refused = of("refused");
  const [first] = refused;
  if (first !== undefined) {
    const { row, column, reason } = first.rows.refusals[0] ?? { row: "", reason: "" };
    return new RehearsalError("ImportValuesRefused", {
      values: refused.reduce((sum, { rows }) => sum + rows.refused, 0),
      first: `"${first.planned.from.name}", ${row}${column === undefined ? "" : `, "${column}"`}: ${reason}`,
    });
  }
  const [differs] = of("differs");
  if (differs === undefined) return undefined;
  return new RehearsalError("ImportDiffers", {
    table: differs.name,
    difference:
      differs.postgres?.rows === differs.rows.read
        ? `the columns ${differs.differing?.join(", ")} hold other values`
        : `it holds ${differs.postgres?.rows} rows, and the file has ${differs.rows.read}`,
  });
}

/** True when both hold the same. */
export function equal(one: ContentSum, other: ContentSum): boolean {
  return one.rows === other.rows && one.checksum === other.checksum;
}
