/** What a release may cost at most: budgets of the environment's policy, held against what its rehearsal measured. */
import * as z from "zod";
import type { Blocked, StatementPlace, Traffic } from "./blocked.ts";
import { RehearsalError } from "./errors.ts";
import type { RehearsalReport, StatementMeasure } from "./report.ts";
import { bytes, duration } from "./report-words.ts";

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

/** Milliseconds, or a text as Postgres' settings are written: `500ms`, `2s`, `5min`, `1h`. */
const time = z.union([
  z.number().min(0),
  z
    .string()
    .regex(
      /^\d+(\.\d+)? ?(ms|s|min|h)$/,
      'it must be milliseconds, or a time such as "500ms", "2s" or "5min"',
    )
    .transform((text) => amount(text, MILLISECONDS)),
]);

const BYTES: Record<string, number> = {
  B: 1,
  kB: 2 ** 10,
  KB: 2 ** 10,
  MB: 2 ** 20,
  GB: 2 ** 30,
  TB: 2 ** 40,
};

/** Bytes, or a text as Postgres' settings are written, in powers of 1024: `512kB`, `100MB`, `1GB`. */
const size = z.union([
  z.number().min(0),
  z
    .string()
    .regex(/^\d+(\.\d+)? ?(B|kB|KB|MB|GB|TB)$/, 'it must be bytes, or a size such as "100MB" or "1GB"')
    .transform((text) => amount(text, BYTES)),
]);

function amount(text: string, units: Readonly<Record<string, number>>): number {
  const [, number = "", unit = ""] = /^([\d.]+) ?(\w+)$/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? 1);
}

const share = z.string().regex(/^\d+(\.\d+)?%$/, 'it must be a size, or a share such as "10%"');

const limits = {
  /** The longest that a reader may wait. */
  maxReadBlock: time.optional(),
  /** The longest that a writer may wait, be it for a table or for a row. */
  maxWriteBlock: time.optional(),
  /** Of all runs together, in production: with the rests of backfills in slices. */
  maxDuration: time.optional(),
  /** By which the database may grow on disk, or a share of its size. */
  maxSizeGrowth: z.union([share, size]).optional(),
  /** Of the write-ahead log that the release writes. */
  maxWal: size.optional(),
};

/** The same words with underscores are taken as well: `max_write_block`. */
export const budgetsSchema = z.preprocess(
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, limit]) => [camelCase(key), limit]))
      : value,
  z.strictObject(limits),
);

const camelCase = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export type Budgets = z.infer<typeof budgetsSchema>;
export type Budget = keyof Budgets;

/** One budget of the policy, and what was measured. */
export interface Judged {
  budget: Budget;
  /** Milliseconds or bytes. */
  limit: number;
  measured: number;
  exceeded: boolean;
  /** What took most of it; absent where nothing did. */
  statement?: StatementPlace;
}

type Measured = Pick<
  RehearsalReport,
  "runs" | "blocked" | "batches" | "bytesBefore" | "bytesAfter" | "walBytes"
>;

/** Each budget that the policy sets, those that are exceeded first. */
export function judgeBudgets(budgets: Budgets, report: Measured): Judged[] {
  const judged = (Object.keys(budgets) as Budget[]).flatMap((budget): Judged[] => {
    const limit = limitOf(budgets, budget, report.bytesBefore);
    if (limit === undefined) return [];
    const { measured, statement } = MEASURES[budget](report);
    return [{ budget, limit, measured, exceeded: measured > limit, ...(statement && { statement }) }];
  });
  return judged.sort((a, b) => Number(b.exceeded) - Number(a.exceeded));
}

/** Throws `BudgetExceeded` for the first that is. */
export function refuseExceeded(judged: readonly Judged[]): void {
  const first = judged.find(({ exceeded }) => exceeded);
  if (first === undefined) return;
  const { budget, limit, measured, statement } = first;
  const say = isTime(budget) ? duration : bytes;
  throw new RehearsalError("BudgetExceeded", {
    ...{ budget, limit: say(limit), measured: say(measured) },
    ...(statement && { statement: `${statement.path}:${statement.line}: ${statement.summary}` }),
  });
}

/** True for budgets in milliseconds; the others are in bytes. */
export function isTime(budget: Budget): boolean {
  return budget === "maxReadBlock" || budget === "maxWriteBlock" || budget === "maxDuration";
}

function limitOf(budgets: Budgets, budget: Budget, bytesBefore: number): number | undefined {
  const limit = budgets[budget];
  if (typeof limit !== "string") return limit;
  return (Number.parseFloat(limit) / 100) * bytesBefore;
}

type Measure = (report: Measured) => { measured: number; statement?: StatementPlace };

const MEASURES: Record<Budget, Measure> = {
  maxReadBlock: longest("reads"),
  maxWriteBlock: (report) => {
    const locks = longest("writes", "rows")(report);
    const slices = longestSlice(report);
    return slices.measured > locks.measured ? slices : locks;
  },
  maxDuration: (report) => ({
    measured: report.runs.reduce((sum, run) => sum + run.milliseconds, restsAhead(report)),
    ...most(report, ({ milliseconds }) => milliseconds),
  }),
  maxSizeGrowth: (report) => ({
    measured: Math.max(0, report.bytesAfter - report.bytesBefore),
    // What a statement adds to the files it has written to the log first.
    ...most(report, ({ walBytes }) => walBytes),
  }),
  maxWal: (report) => ({ measured: report.walBytes, ...most(report, ({ walBytes }) => walBytes) }),
};

function longest(...traffic: Traffic[]): Measure {
  return ({ blocked = [] }) => {
    const waits = blocked.filter((one) => traffic.includes(one.traffic));
    const first = waits.reduce<Blocked | undefined>(
      (most, one) => (most === undefined || one.milliseconds > most.milliseconds ? one : most),
      undefined,
    );
    return first === undefined
      ? { measured: 0 }
      : { measured: first.milliseconds, statement: first.statement };
  };
}

/** Milliseconds that production's backfills will rest between slices, as the copy's did not. */
function restsAhead({ batches = [] }: Measured): number {
  return batches.reduce(
    (sum, { predictedSeconds, milliseconds }) => sum + Math.max(0, predictedSeconds * 1_000 - milliseconds),
    0,
  );
}

/** Whoever writes a row of a backfill waits for its slice. */
function longestSlice({ batches = [], runs }: Measured): ReturnType<Measure> {
  const [first] = [...batches].sort((a, b) => b.longestSlice - a.longestSlice);
  if (first === undefined) return { measured: 0 };
  const items = runs.flatMap((run) => run.items);
  const statement = items.find(({ path }) => path === first.path)?.statements[0];
  if (statement === undefined) return { measured: first.longestSlice };
  const { line, summary } = statement;
  return { measured: first.longestSlice, statement: { path: first.path, line, summary } };
}

function most({ runs }: Measured, cost: (statement: StatementMeasure) => number) {
  const all = runs.flatMap((run) =>
    run.items.flatMap(({ path, statements }) => statements.map((statement) => ({ path, statement }))),
  );
  const [first] = all.sort((a, b) => cost(b.statement) - cost(a.statement));
  if (first === undefined) return {};
  const { line, summary } = first.statement;
  return { statement: { path: first.path, line, summary } };
}
