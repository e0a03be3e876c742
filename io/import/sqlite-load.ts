/** Brings a SQLite database over: all of it in one transaction, compared with what was read before it is committed. */
import { RehearsalError } from "../../core/errors.ts";
import { type ContentSum, ContentSums, sumQuery } from "../../core/import/content-sum.ts";
import { loadOrder } from "../../core/import/load-order.ts";
import type { PlannedTable, SqlitePlan } from "../../core/import/sqlite-plan.ts";
import { type ImportedTable, LISTED } from "../../core/import/sqlite-report.ts";
import { converter } from "../../core/import/sqlite-values.ts";
import { quoteLiteral, quoteName, quoteQualified } from "../../core/names.ts";
import type { OnProgress } from "../../core/progress.ts";
import type { CopySession } from "../postgres/copy.ts";
import type { Target } from "../postgres/import-targets.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { type Course, courseOf, equal, refusalOf, tableOf } from "./sqlite-course.ts";
import { SqliteRows } from "./sqlite-rows.ts";

export interface SqliteLoad {
  database: SqliteDatabase;
  plan: SqlitePlan;
  targets: readonly Target[];
  /** Nothing else runs on it. */
  copy: CopySession;
  /** Everything but the commit. */
  dryRun?: boolean;
  /** Under which the import is known in the database. */
  id: string;
  onProgress: OnProgress;
  /** Commits by calling what it is given, once nobody else may. */
  commit(commit: () => Promise<void>): Promise<void>;
  passed(point: string): void;
}

export interface SqliteLoaded {
  tables: ImportedTable[];
  /** True when something was written. */
  changed: boolean;
  /** Why nothing was. */
  refusal?: RehearsalError;
}

const SETTINGS = `begin; set local search_path = pg_catalog, pg_temp; set local timezone = 'UTC'; set local datestyle = 'ISO, YMD';
  set local bytea_output = 'hex'; set local extra_float_digits = 1; set local row_security = off; set local lock_timeout = '10s'`;

/** Nobody writes to the tables meanwhile; whoever reads sees them as they were until the commit. */
export async function loadSqlite(load: SqliteLoad): Promise<SqliteLoaded> {
  const { copy, plan } = load;
  const courses = plan.tables.map((planned) => courseOf(load, planned));
  const { order, deferred } = loadOrder(courses);
  const total = { bytes: 0, rows: plan.tables.reduce((sum, { from }) => sum + load.database.count(from), 0) };
  const told = { load, total, done: 0 };
  await copy.execute(SETTINGS);
  try {
    if (order.length > 0)
      await copy.execute(
        `lock table ${order.map(({ name }) => name).join(", ")} in share row exclusive mode`,
      );
    await copy.execute(
      `insert into rehearsal.acts (kind, id, record) values ('import', ${quoteLiteral(load.id)}, 'sqlite') on conflict do nothing`,
    );
    for (const course of order) course.standing = await standingOf(copy, course);
    // A deletion might go on to tables that are not ours to fill.
    for (const course of order)
      if (course.standing === "giving-way" && isPointedAt(course, order, load.targets))
        course.standing = "rows";
    // Once something came over, what migrations made may have been changed by people since.
    if (order.some(({ standing }) => standing === "rows"))
      for (const course of order) if (course.standing === "giving-way") course.standing = "rows";
    if (deferred) await copy.execute("set constraints all deferred");
    const readable = (await readAll(told, order)) && (!deferred || (await checkDeferred(load, order)));
    if (readable) await compareAll(load, order);
    const refusal = refusalOf(order);
    const changed = order.some(
      ({ standing, rows, replaced }) => standing !== "rows" && (rows.read > 0 || replaced),
    );
    if (refusal !== undefined || !changed || load.dryRun) {
      await copy.execute("rollback");
    } else {
      for (const course of order) await moveSequences(copy, course);
      load.passed("loaded");
      await load.commit(() => copy.execute("commit"));
    }
    return {
      tables: order.map((course) => tableOf(course, refusal === undefined && !load.dryRun)),
      changed: changed && refusal === undefined && !load.dryRun,
      ...(refusal !== undefined && { refusal }),
    };
  } catch (error) {
    // What failed first matters; a session that is gone has nothing to take back.
    await copy.execute("rollback").catch(() => undefined);
    throw error;
  }
}

/** True when a table beside the import points at this one. */
function isPointedAt({ target }: Course, order: readonly Course[], targets: readonly Target[]): boolean {
  return targets.some(
    ({ schema, name, references }) =>
      !order.some((course) => course.target.schema === schema && course.target.name === name) &&
      references.some((to) => to.schema === target.schema && to.table === target.name),
  );
}

async function standingOf(copy: CopySession, { name, planned }: Course): Promise<Course["standing"]> {
  const wanted = planned.insteadOf;
  const [rows] = await copy.readRow(
    `select count(*) from (select from ${name} limit ${wanted.length + 1}) few`,
  );
  if (rows === "0") return "empty";
  if (rows !== String(wanted.length)) return "rows";
  for (const row of wanted) {
    const conditions = Object.entries(row).map(([column, value]) =>
      value === null
        ? `t.${quoteName(column)} is null`
        : `t.${quoteName(column)}::text = ${typed(planned, column, value)}`,
    );
    const [found] = await copy.readRow(`select count(*) from ${name} t where ${conditions.join(" and ")}`);
    if (found !== "1") return "rows";
  }
  return "giving-way";
}

/** The text of a declared value, as the column's type shows it. */
function typed({ target }: PlannedTable, column: string, value: string | number | boolean): string {
  const { shown = "text" } = target.columns.find(({ name }) => name === column) ?? {};
  return `(${quoteLiteral(String(value))}::${shown})::text`;
}

type Told = { load: SqliteLoad; total: { bytes: number; rows: number }; done: number };

/** Reads every table, and fills those that are empty for as long as nothing is refused. False when something was. */
async function readAll(told: Told, order: readonly Course[]): Promise<boolean> {
  const { load, total } = told;
  let good = true;
  for (const course of order) {
    const { planned, name } = course;
    const onRows = () => {
      const done = { bytes: 0, rows: told.done + course.rows.read };
      load.onProgress({ done, total, now: planned.from.name });
    };
    if (!good || course.standing === "rows") await course.rows.drain(onRows);
    else {
      if (course.standing === "giving-way") {
        await load.copy.execute(`delete from ${name}`);
        course.replaced = planned.insteadOf.length;
      }
      await fill(load, course, onRows);
    }
    told.done += course.rows.read;
    good &&= course.rows.refused === 0;
  }
  return good;
}

async function fill(load: SqliteLoad, course: Course, onRows: () => void): Promise<void> {
  const { planned, name, rows } = course;
  const columns = planned.columns.map(({ target }) => quoteName(target.name)).join(", ");
  try {
    await load.copy.copyIn(`copy ${name} (${columns}) from stdin`, rows.pieces(onRows), { consume: true });
  } catch (error) {
    const reason = rowRefusal(error);
    if (reason === undefined) throw error;
    // All rows are still judged, so that one report has all that is to be mended.
    course.rows = new SqliteRows(load.database, planned);
    await course.rows.drain(onRows);
    await refuseRow(load, course, reason);
  }
}

/** Notes what Postgres says of a row, with what SQLite knows of it. Nothing of the transaction stays. */
async function refuseRow(load: SqliteLoad, { planned, rows }: Course, reason: string): Promise<void> {
  await load.copy.execute("rollback");
  const line = Number(/, line (\d+)/.exec(reason)?.[1] ?? 0);
  rows.refuse({ row: nth(load.database, planned, line), reason: reason.replace(/ \(COPY .*/s, "") });
  if (!reason.includes("foreign key")) return;
  for (const { row, parent } of load.database.orphans(planned.from, LISTED))
    rows.refuse({ row, reason: `it points at no row of "${parent}"` });
}

/** Has the constraints looked at that waited for all tables; false when one does not hold. */
async function checkDeferred(load: SqliteLoad, order: readonly Course[]): Promise<boolean> {
  try {
    await load.copy.execute("set constraints all immediate");
    return true;
  } catch (error) {
    const reason = rowRefusal(error);
    const table = /on table "(.+?)"/.exec(reason ?? "")?.[1];
    const course = order.find(({ target }) => target.name === table);
    if (reason === undefined || course === undefined) throw error;
    await refuseRow(load, course, reason);
    return false;
  }
}

/** What Postgres says of a row that it does not take; undefined for every other failure. */
function rowRefusal(error: unknown): string | undefined {
  if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") return undefined;
  const { sqlstate, reason } = error.facts as { sqlstate: string; reason: string };
  return /^(?:22|23|P0001)/.test(sqlstate) ? reason : undefined;
}

function nth(database: SqliteDatabase, { from }: PlannedTable, line: number): string {
  let at = 0;
  for (const { row } of database.rows(from, [])) if (++at === line) return row();
  return "a row";
}

/** Asks Postgres what it holds now, and where that is not what was read, in which columns. */
async function compareAll(
  { copy, database, onProgress }: SqliteLoad,
  order: readonly Course[],
): Promise<void> {
  for (const course of order) {
    const { planned, name, rows } = course;
    onProgress({ done: { bytes: 0, rows: 0 }, now: `comparing ${planned.from.name}` });
    const columns = planned.columns.map(({ target }) => target);
    const sum = await sumOf(copy, sumQuery(name, columns));
    course.postgres = sum;
    if (equal(sum, rows.sums.sum()) || sum.rows !== rows.read) continue;
    const ours = columnSums(database, planned);
    course.differing = [];
    for (const [at, column] of columns.entries()) {
      const theirs = await sumOf(copy, sumQuery(name, [column]));
      if (!equal(theirs, ours[at]?.sum() ?? theirs)) course.differing.push(column.name);
    }
  }
}

async function sumOf(copy: CopySession, query: string): Promise<ContentSum> {
  const [rows = "", checksum = ""] = await copy.readRow(query);
  return { rows: Number(rows), checksum };
}

function columnSums(database: SqliteDatabase, { from, columns }: PlannedTable): ContentSums[] {
  const each = columns.map(({ target, mapping }) => ({
    convert: converter(target, mapping),
    sums: new ContentSums(),
  }));
  const names = columns.map((column) => column.from);
  for (const { values } of database.rows(from, names))
    for (const [at, { convert, sums }] of each.entries()) {
      const value = values[at] ?? { kind: "n" as const };
      const converted = "problem" in value ? value : convert(value);
      sums.add(["canonical" in converted ? converted.canonical : null]);
    }
  return each.map(({ sums }) => sums);
}

/** New rows get numbers behind those that came, and behind those that SQLite had given away. */
async function moveSequences(copy: CopySession, { name, planned, target, standing }: Course): Promise<void> {
  if (standing === "rows") return;
  for (const { column, ...sequence } of target.sequences) {
    const of = quoteQualified(sequence.schema, sequence.name);
    await copy.execute(
      `select setval(${quoteLiteral(of)}::regclass, wanted.last) from (select greatest(max(t.${quoteName(column)})::int8,
          ${planned.from.sequence ?? "null"}) as last from ${name} t) wanted, ${of} s
        where wanted.last > s.last_value or (wanted.last = s.last_value and not s.is_called)`,
    );
  }
}
