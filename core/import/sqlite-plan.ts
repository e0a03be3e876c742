/** What of a SQLite database becomes what: its tables and columns met with those of Postgres, and nothing left behind unsaid. */
import { nearest } from "../did-you-mean.ts";
import { readName, writeName } from "../plain-name.ts";
import { type ColumnMapping, PLAIN_COLUMN, type SqliteMapping } from "./sqlite-mapping.ts";
import type { SqliteTable } from "./sqlite-table.ts";
import { readingsOf } from "./sqlite-values.ts";
import type { TargetColumn, TargetTable } from "./target-column.ts";

interface PlannedColumn {
  from: string;
  target: TargetColumn;
  mapping: ColumnMapping;
}

export interface PlannedTable {
  from: SqliteTable;
  target: TargetTable;
  columns: PlannedColumn[];
  left: { column: string; reason: string }[];
  /** Rows that give way, by columns. */
  insteadOf: Record<string, string | number | boolean | null>[];
}

export interface SqlitePlan {
  tables: PlannedTable[];
  left: { table: string; reason: string }[];
  /** Empty where everything has a place. */
  problems: string[];
}

/** Meets both by names, in whatever case, where the mapping says nothing. */
export function planSqlite(
  mapping: SqliteMapping,
  tables: readonly SqliteTable[],
  targets: readonly TargetTable[],
): SqlitePlan {
  const plan: SqlitePlan = { tables: [], left: [], problems: [] };
  const known = tables.map(({ name }) => name);
  for (const named of [...Object.keys(mapping.tables), ...Object.keys(mapping.leave)])
    if (!known.includes(named)) plan.problems.push(`the file has no table "${named}"${guess(named, known)}`);
  for (const table of tables) {
    const reason = own(mapping.leave, table.name);
    if (reason !== undefined) plan.left.push({ table: table.name, reason });
    else if (table.kind === "shadow")
      plan.left.push({ table: table.name, reason: "it belongs to a virtual table" });
    else if (table.kind === "virtual")
      plan.problems.push(
        `"${table.name}" is a virtual table, which keeps no rows of its own; say why under leave:`,
      );
    else planTable(mapping, table, targets, plan);
  }
  const taken = new Map<string, string>();
  for (const { from, target } of plan.tables) {
    const into = writeName([target.schema, target.name]);
    const other = taken.get(into);
    if (other !== undefined) plan.problems.push(`"${other}" and "${from.name}" would both become ${into}`);
    taken.set(into, from.name);
  }
  return plan;
}

function planTable(
  mapping: SqliteMapping,
  from: SqliteTable,
  targets: readonly TargetTable[],
  { tables, problems }: SqlitePlan,
): void {
  const said = own(mapping.tables, from.name);
  const parts = said?.into === undefined ? undefined : (readName(said.into) ?? []);
  const [schema, name] = parts?.length === 2 ? (parts as [string, string]) : [mapping.schema, parts?.[0]];
  const inSchema = targets.filter((one) => one.schema === schema);
  const found = bySameName(inSchema, name ?? from.name);
  if (found === undefined) {
    const wanted = writeName([schema, name ?? from.name]);
    problems.push(
      `the table "${from.name}" has no ${wanted} to go into${guess(
        name ?? from.name,
        inSchema.map((one) => one.name),
      )}; say into: which, or why it stays, under leave:`,
    );
    return;
  }
  const planned: PlannedTable = {
    ...{ from, target: found, columns: [], left: [], insteadOf: said?.insteadOf ?? [] },
  };
  const at = `"${from.name}"`;
  for (const named of Object.keys(said?.columns ?? {}))
    if (!from.columns.some((column) => column.name === named))
      problems.push(
        `${at} has no column "${named}"${guess(
          named,
          from.columns.map((column) => column.name),
        )}`,
      );
  for (const { name: column, generated } of from.columns) {
    const how = (said && own(said.columns, column)) ?? PLAIN_COLUMN;
    if (how.leave !== undefined) {
      planned.left.push({ column, reason: how.leave });
      continue;
    }
    const target = bySameName(found.columns, how.into ?? column);
    if (target === undefined && generated && how.into === undefined) {
      planned.left.push({ column, reason: "SQLite computes it from others" });
    } else if (target === undefined)
      problems.push(
        `the column "${column}" of ${at} has no place in ${writeName([found.schema, found.name])}${guess(
          how.into ?? column,
          found.columns.map((one) => one.name),
        )}; say into: which, or why it stays, by leave:`,
      );
    else if (target.generated) planned.left.push({ column, reason: "Postgres computes it from others" });
    else if (how.as !== undefined && !readingsOf(target).includes(how.as))
      problems.push(`"${column}" of ${at} is read as ${how.as}, which does not become ${target.shown}`);
    else planned.columns.push({ from: column, target, mapping: how });
  }
  if (planned.columns.length === 0)
    problems.push(`none of the columns of ${at} comes over; say why the table stays, under leave:`);
  checkTargets(planned, problems);
  tables.push(planned);
}

function checkTargets({ from, target, columns, insteadOf }: PlannedTable, problems: string[]): void {
  const into = writeName([target.schema, target.name]);
  const sources = new Map<string, string>();
  for (const column of columns) {
    const other = sources.get(column.target.name);
    if (other !== undefined)
      problems.push(
        `"${other}" and "${column.from}" of "${from.name}" would both become ${column.target.name} of ${into}`,
      );
    sources.set(column.target.name, column.from);
  }
  for (const { name, nullable, filled, generated } of target.columns)
    if (!nullable && !filled && !generated && !sources.has(name))
      problems.push(`${into} wants a ${name}, and "${from.name}" has none`);
  for (const name of new Set(insteadOf.flatMap((row) => Object.keys(row))))
    if (!target.columns.some((column) => column.name === name))
      problems.push(`insteadOf of "${from.name}" names the column "${name}", which ${into} does not have`);
}

/** Of that name; else the only one that differs from it by case. */
function bySameName<T extends { name: string }>(items: readonly T[], name: string): T | undefined {
  const exact = items.find((item) => item.name === name);
  if (exact !== undefined) return exact;
  const folded = items.filter((item) => item.name.toLowerCase() === name.toLowerCase());
  return folded.length === 1 ? folded[0] : undefined;
}

function guess(word: string, known: readonly string[]): string {
  const found = nearest(word, known);
  return found === undefined ? "" : `, did you mean "${found}"?`;
}

/** A member of its own: a table may be called `__proto__`. */
function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
