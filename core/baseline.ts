/** A database's baseline: what its tables hold, as counts and order-independent checksums that two databases can be compared by. */
import type { Json } from "./canonical-json.ts";
import { quoteQualified } from "./names.ts";
import type { Shape } from "./shape.ts";

export interface TableBaseline {
  rows: number;
  /** The columns the checksum covers, in the order they were hashed. */
  columns: string[];
  /** Sum over the rows of a 64-bit hash of the row, as a decimal string. */
  checksum: string;
  /**
   * Of a partition, the table that shares its rows out by what is another number in another database (a hash of an enum): the
   * partitions are comparable only together, as that table. Quoted and qualified.
   */
  partOf?: string;
}

export interface Baseline {
  format: "rehearsal-baseline/2";
  /** By quoted qualified name: `"public"."videos"`; ordinary tables and partitions. */
  tables: Record<string, TableBaseline>;
  /** By quoted qualified name. */
  sequences: Record<string, { last: string; called: boolean }>;
  largeObjects: { count: number; checksum: string };
}

export interface BaselineDifference {
  /** `table "public"."videos"`, `sequence …`, `large objects`. */
  what: string;
  /** What is there and what was expected: `holds 2 rows, expected 3 rows`. */
  fact: string;
}

/** One difference as a sentence for people. */
export function describeBaselineDifference({ what, fact }: BaselineDifference): string {
  return `${what} ${fact}`;
}

/** How many rows the tables hold in all. */
export function totalRows(baseline: Baseline): number {
  return Object.values(baseline.tables).reduce((sum, table) => sum + table.rows, 0);
}

/** Where the actual baseline departs from the expected one; empty when they hold the same. */
export function compareBaselines(expected: Baseline, actual: Baseline): BaselineDifference[] {
  return [
    ...compareEach("table", comparableTables(expected), comparableTables(actual), tableDifference),
    ...compareEach("sequence", expected.sequences, actual.sequences, (before, after) =>
      before.last === after.last && before.called === after.called
        ? undefined
        : `stands at ${standing(after)}, expected ${standing(before)}`,
    ),
    ...difference("large objects", largeObjectDifference(expected.largeObjects, actual.largeObjects)),
  ];
}

/** The tables by the names under which two databases can be compared: partitions that hold their rows by chance are summed up. */
function comparableTables({ tables }: Baseline): Record<string, TableBaseline> {
  const comparable: Record<string, TableBaseline> = {};
  for (const [name, { partOf = name, ...own }] of Object.entries(tables)) {
    const others = comparable[partOf];
    comparable[partOf] =
      others === undefined
        ? own
        : {
            ...others,
            rows: others.rows + own.rows,
            checksum: String(BigInt(others.checksum) + BigInt(own.checksum)),
          };
  }
  return comparable;
}

/**
 * What a change of shape must have left alone: for each table in both shapes, the columns with the same name, type
 * and generation in both, sorted. A table that holds no rows of its own (partitioned) has none; a column whose
 * enum lost or renamed a label is not kept, for its values may read otherwise.
 */
export function keptColumns(before: Shape, after: Shape): Record<string, string[]> {
  const kept: Record<string, string[]> = {};
  for (const [address, value] of Object.entries(before.objects)) {
    if (!address.startsWith("table ") || !Object.hasOwn(after.objects, address)) continue;
    const old = value as unknown as TableFacts;
    const young = after.objects[address] as unknown as TableFacts;
    if (old.partitionBy !== undefined || young.partitionBy !== undefined) continue;
    kept[quoteQualified(old.schema, old.name)] = Object.keys(old.columns)
      .filter((name) => {
        const [one, other] = [own(old.columns, name), own(young.columns, name)];
        return (
          one !== undefined && other !== undefined && readsAs(one) === readsAs(other) && labelsHold(one.type)
        );
      })
      .sort();
  }
  return kept;

  function labelsHold(type: string): boolean {
    const address = `type ${type.replace(/(\[\])+$/, "")}`;
    const [labels, now] = [before, after].map(
      (shape) => (own(shape.objects, address) as EnumFacts | undefined)?.labels,
    );
    return labels === undefined || labels.every((label) => now?.includes(label));
  }
}

interface ColumnFacts {
  type: string;
  default?: string;
  generated?: string;
}

interface TableFacts {
  schema: string;
  name: string;
  columns: Record<string, ColumnFacts>;
  partitionBy?: string;
}

interface EnumFacts {
  labels?: string[];
}

/** What decides how a column's values read: its type, and its expression when it is generated. */
export function readsAs({ type, generated, default: expression }: ColumnFacts): string {
  return generated === undefined ? type : `${type} as ${expression}`;
}

/** A member of its own: a column may be called `__proto__`. */
function own<T extends ColumnFacts | Json>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function tableDifference(before: TableBaseline, after: TableBaseline): string | undefined {
  if (before.rows !== after.rows) return `holds ${rows(after.rows)}, expected ${rows(before.rows)}`;
  if (JSON.stringify(before.columns) !== JSON.stringify(after.columns))
    return `was read by the columns ${list(after.columns)}, expected ${list(before.columns)}`;
  if (before.checksum !== after.checksum)
    return `holds ${rows(after.rows)}, as expected, but not the same content (checksum ${after.checksum}, expected ${before.checksum})`;
  return undefined;
}

function largeObjectDifference(before: Baseline["largeObjects"], after: Baseline["largeObjects"]) {
  if (before.count !== after.count) return `are ${after.count}, expected ${before.count}`;
  return before.checksum === after.checksum
    ? undefined
    : `are ${after.count}, as expected, but not the same content`;
}

function compareEach<T>(
  kind: string,
  expected: Record<string, T>,
  actual: Record<string, T>,
  compare: (before: T, after: T) => string | undefined,
): BaselineDifference[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return names.flatMap((name) => {
    const [before, after] = [expected[name], actual[name]];
    const what = `${kind} ${name}`;
    if (before === undefined) return difference(what, "is there, but was not expected");
    return difference(what, after === undefined ? "is missing" : compare(before, after));
  });
}

function difference(what: string, fact: string | undefined): BaselineDifference[] {
  return fact === undefined ? [] : [{ what, fact }];
}

function standing({ last, called }: { last: string; called: boolean }): string {
  return called ? last : `${last}, not yet drawn`;
}

function rows(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

function list(columns: string[]): string {
  return columns.length === 0 ? "(none)" : columns.join(", ");
}
