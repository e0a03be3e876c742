/** The rows of a report, in its order, out of one read-only snapshot; and which relations the server has read for them. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteName } from "../../core/names.ts";
import type { Report } from "../../core/reporting/reports.ts";
import type { PrunedTable } from "../../core/reporting/sources.ts";
import type { NamedColumn, ReportRow, ReportValue } from "../../core/reporting/value.ts";
import { columnProblems, readValue } from "../../core/reporting/value.ts";
import { runQuery } from "./query.ts";
import type { Session } from "./session.ts";

interface ReportRows {
  /** When the snapshot was taken, by the server's clock. */
  snapshotAt: string;
  rows: number;
}

/**
 * Gives each batch of rows to `take`, in the report's order. Throws `ReportColumnsDiffer`, `ReportValueUnfit`,
 * `ReportOrderUnclear`, `ReportTooLong`, what `runQuery` throws, and `ReportReadsPruned`: before the first row is given, or
 * after the last for what only running it tells. The session is to be closed.
 */
export async function readReport(
  session: Session,
  report: Report,
  { pruned, searchPath }: { pruned: readonly PrunedTable[]; searchPath: readonly string[] },
  take: (rows: readonly ReportRow[]) => Promise<void>,
): Promise<ReportRows> {
  const columns = columnsOf(report);
  const run = {
    name: report.name,
    // One row more than it may have tells that it is too long, and lets the server sort no more than that.
    sql: `select * from (\n${report.statement}\n) as report order by ${orderOf(report)} limit ${report.rows + 1}`,
    ...{ values: [], searchPath, rows: report.rows, seconds: report.minutes * 60, rowSecurity: false },
  };
  const { value, more } = await runQuery(session, run, async (result) => {
    const problems = columnProblems(columns, result.columns);
    if (problems.length > 0)
      throw new RehearsalError("ReportColumnsDiffer", { report: report.name, problems: problems.join("; ") });
    await refuseReadPruned(session, report, pruned);
    const [now] = await session.query<{ at: string }>(
      `select pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    );
    const checked = checker(report, columns);
    let rows = 0;
    for await (const batch of result.batches) {
      rows += batch.length;
      await take(batch.map(checked));
    }
    await refuseReadPruned(session, report, pruned);
    return { snapshotAt: now?.at ?? "", rows };
  });
  if (more) throw new RehearsalError("ReportTooLong", { report: report.name, rows: report.rows });
  return value;
}

/** A report's columns in its order. */
export function columnsOf({ columns }: Pick<Report, "columns">): NamedColumn[] {
  return Object.entries(columns).map(([name, column]) => ({ name, ...column }));
}

/** By the bytes of texts, and not by what a database's locale makes of them: a new version of a locale orders otherwise. */
function orderOf({ order, columns }: Report): string {
  return order
    .map((name) => {
      const quoted = `report.${quoteName(name)}`;
      return columns[name]?.type === "text" ? `(${quoted})::pg_catalog.text collate pg_catalog."C"` : quoted;
    })
    .join(", ");
}

/** Reads each row's values, and holds it against the row before it. */
function checker(report: Report, columns: readonly NamedColumn[]): (row: ReportRow) => ReportRow {
  const places = report.order.map((name) => columns.findIndex((column) => column.name === name));
  let count = 0;
  let before: string | undefined;
  return (row) => {
    count++;
    const values = columns.map((column, at): ReportValue => {
      const value = readValue(column, row[at] ?? null);
      if (value !== null && typeof value === "object")
        throw new RehearsalError("ReportValueUnfit", {
          ...{ report: report.name, column: column.name, row: count, problem: value.problem },
        });
      return value;
    });
    const key = JSON.stringify(places.map((at) => values[at]));
    if (key === before)
      throw new RehearsalError("ReportOrderUnclear", {
        ...{ report: report.name, order: report.order.join(", "), row: count },
      });
    before = key;
    return values;
  };
}

/**
 * The server has locked, for this transaction, every relation that the statement names, through views as well, and every one
 * that a function has read: it knows better than any reading of the text. What a materialized view was made from, and whose
 * part a partition is, the catalog tells.
 */
async function refuseReadPruned(
  session: Session,
  report: Report,
  pruned: readonly PrunedTable[],
): Promise<void> {
  if (pruned.length === 0) return;
  const found = await session.query<{ place: string; through: string | null }>(
    `with recursive reached (relation, through) as (
        select l.relation, null::pg_catalog.oid from pg_catalog.pg_locks l
          where l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid() and l.locktype operator(pg_catalog.=) 'relation'
            and l.database operator(pg_catalog.=) (select oid from pg_catalog.pg_database where datname operator(pg_catalog.=) pg_catalog.current_database())
      union
        select coalesce(d.refobjid, i.inhparent), r.relation
          from reached r
          join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) r.relation
          left join pg_catalog.pg_rewrite w on w.ev_class operator(pg_catalog.=) c.oid and c.relkind operator(pg_catalog.=) any ('{v,m}')
          left join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.objid operator(pg_catalog.=) w.oid and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.refobjid operator(pg_catalog.<>) c.oid
          left join pg_catalog.pg_inherits i on i.inhrelid operator(pg_catalog.=) c.oid
          where coalesce(d.refobjid, i.inhparent) is not null
    )
    select p.place::text, pg_catalog.min(t.relname::text) as through
      from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) with ordinality as p (schema, name, place)
      join pg_catalog.pg_class c on c.relname operator(pg_catalog.=) p.name
        and c.relnamespace operator(pg_catalog.=) (select oid from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) p.schema)
      join reached r on r.relation operator(pg_catalog.=) c.oid
      left join pg_catalog.pg_class t on t.oid operator(pg_catalog.=) r.through
      group by p.place order by p.place limit 1`,
    [pruned.map(({ table }) => table.at(-2) ?? "public"), pruned.map(({ table }) => table.at(-1))],
  );
  const [first] = found;
  const table = first && pruned[Number(first.place) - 1];
  if (first !== undefined && table !== undefined)
    throw new RehearsalError("ReportReadsPruned", {
      ...{ report: report.name, table: table.table.join("."), policy: table.policy },
      through: first.through === null ? "" : ` through ${first.through}`,
    });
}
