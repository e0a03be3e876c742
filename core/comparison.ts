/** What a release was rehearsed to cost beside what it cost in production. */
import * as z from "zod";
import type { RunTimes, StatementPlace, Traffic } from "./blocked.ts";
import { watchedAs } from "./blocked.ts";
import type { RehearsalReport } from "./report.ts";

/** Somebody's waiting for the promotion, as a session beside it saw it. */
export interface SeenWait {
  /** Quoted qualified name; null where the server does not tell it. */
  relation: string | null;
  traffic: Traffic;
  /** The longest, at least. */
  milliseconds: number;
  /** How many statements waited. */
  count: number;
}

/** What an attempt to migrate measured on production: `promotions/ID/migrate/N/measures.json`. */
export interface Measures {
  format: "rehearsal-measures/1";
  promotion: string;
  attempt: number;
  runs: { transactional: boolean; milliseconds: number; statements: TimedStatement[] }[];
  waits: SeenWait[];
  /** Why nobody was watching who waited; absent when somebody was. */
  unwatched?: string;
}

type TimedStatement = StatementPlace & { milliseconds: number };

const figures = {
  rehearsed: z.number().nullable(),
  real: z.number().nullable(),
  /** Real by rehearsed. */
  ratio: z.number().nullable(),
};

/** Milliseconds; null where nobody measured. */
export const comparisonSchema = z.object({
  total: z.object(figures),
  statements: z.array(z.object({ path: z.string(), line: z.int(), summary: z.string(), ...figures })),
  blocked: z.array(
    z.object({
      relation: z.string().nullable(),
      traffic: z.enum(["reads", "writes", "rows"]),
      /** That the report told of. */
      predicted: z.number().nullable(),
      /** The longest that somebody was seen to wait, at least; null when nobody was. */
      seen: z.number().nullable(),
      /** How many statements were seen waiting. */
      count: z.int(),
    }),
  ),
  /** Why nobody watched who waited. */
  unwatched: z.string().optional(),
});

export type Comparison = z.infer<typeof comparisonSchema>;

/** What is written of a run's times. */
export function timesMeasured(times: readonly RunTimes[]): Measures["runs"] {
  return times.map(({ transactional, began, ended, statements }) => ({
    transactional,
    milliseconds: ended - began,
    statements: statements.map((one) => ({
      ...{ path: one.path, line: one.line, summary: one.summary },
      milliseconds: one.ended - one.began,
    })),
  }));
}

/** Sets the report against every attempt that committed something; a batch that took several counts with all of them. */
export function compareMeasures(report: RehearsalReport, measures: readonly Measures[]): Comparison {
  const real = new Map<string, number>();
  for (const { runs } of measures)
    for (const [key, { milliseconds }] of numbered(runs.flatMap((run) => run.statements)))
      real.set(key, (real.get(key) ?? 0) + milliseconds);
  const rehearsed = report.runs.flatMap((run) =>
    run.items.flatMap(({ path, statements }) => statements.map((statement) => ({ ...statement, path }))),
  );
  const unwatched = measures.find((one) => one.unwatched !== undefined)?.unwatched;
  return {
    total: beside(
      sum(report.runs.map((run) => run.milliseconds)),
      sum(measures.flatMap(({ runs }) => runs.map((run) => run.milliseconds))),
    ),
    statements: numbered(rehearsed).map(([key, { path, line, summary, milliseconds }]) => ({
      ...{ path, line, summary },
      ...beside(milliseconds, real.get(key) ?? null),
    })),
    blocked: compareWaits(report, measures),
    ...(unwatched !== undefined && { unwatched }),
  };
}

/** Several statements may begin on one line. */
function numbered<T extends { path: string; line: number }>(statements: readonly T[]): [string, T][] {
  const counts = new Map<string, number>();
  return statements.map((statement) => {
    const place = `${statement.line} ${statement.path}`;
    const number = (counts.get(place) ?? 0) + 1;
    counts.set(place, number);
    return [`${number} ${place}`, statement];
  });
}

function compareWaits({ blocked = [] }: RehearsalReport, measures: readonly Measures[]) {
  const seen = new Map<string, SeenWait>();
  for (const wait of measures.flatMap(({ waits }) => waits)) {
    const key = keyOf(wait);
    const known = seen.get(key);
    seen.set(key, {
      ...wait,
      milliseconds: Math.max(wait.milliseconds, known?.milliseconds ?? 0),
      count: wait.count + (known?.count ?? 0),
    });
  }
  const told = new Set(blocked.map(keyOf));
  return [
    ...blocked.map((one) => {
      const wait = seen.get(keyOf(one));
      const { relation, traffic, milliseconds: predicted } = one;
      return { relation, traffic, predicted, seen: wait?.milliseconds ?? null, count: wait?.count ?? 0 };
    }),
    ...[...seen.values()]
      .filter((wait) => !told.has(keyOf(wait)))
      .map(({ relation, traffic, milliseconds, count }) => ({
        ...{ relation, traffic, predicted: null, seen: milliseconds, count },
      })),
  ];
}

const keyOf = ({ relation, traffic }: { relation: string | null; traffic: Traffic }) =>
  watchedAs({ relation: relation ?? "", traffic });

function beside(rehearsed: number | null, real: number | null) {
  const ratio = rehearsed === null || real === null || rehearsed === 0 ? null : real / rehearsed;
  return { rehearsed, real, ratio };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
