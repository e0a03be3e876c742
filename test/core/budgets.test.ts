/** Budgets: how they are written, and that the one that is exceeded is told with its statement. */
import { describe, expect, test } from "vitest";
import { budgetsSchema, judgeBudgets, refuseExceeded } from "../../core/budgets.ts";
import { RehearsalError } from "../../core/errors.ts";
import { policySchema } from "../../core/policy.ts";
import type { RehearsalReport, StatementMeasure } from "../../core/report.ts";

const place = { path: "migrations/0002_index.sql", line: 3, summary: 'create index on "videos"' };

function statement(more: Partial<StatementMeasure>): StatementMeasure {
  const { line, summary } = place;
  return {
    ...{ line, summary, sql: "", milliseconds: 900, rows: null, locks: [], rewritten: [], walBytes: 4096 },
    ...more,
  };
}

const report: Pick<RehearsalReport, "runs" | "blocked" | "bytesBefore" | "bytesAfter" | "walBytes"> = {
  runs: [
    {
      ...{ transactional: true, milliseconds: 1_000, changed: {}, fingerprint: "" },
      items: [
        {
          ...{ kind: "migration", path: place.path, milliseconds: 950, idempotent: "not claimed" },
          statements: [statement({ line: 1, milliseconds: 50, walBytes: 100 }), statement({})],
        },
      ],
    },
  ],
  blocked: [
    {
      ...{ relation: '"public"."videos"', traffic: "writes", milliseconds: 950, statement: place },
      ...{ mode: "ShareLock", by: "probe" },
    },
  ],
  bytesBefore: 1_000_000,
  bytesAfter: 1_200_000,
  walBytes: 4196,
};

describe("budgets are written", () => {
  test("as numbers, as times and as sizes, in camel case or with underscores", () => {
    expect(
      budgetsSchema.parse({
        ...{ max_write_block: "500ms", maxReadBlock: "2s", maxDuration: "5min" },
        ...{ max_size_growth: "10%", maxWal: "1.5GB" },
      }),
    ).toEqual({
      ...{ maxWriteBlock: 500, maxReadBlock: 2_000, maxDuration: 300_000 },
      ...{ maxSizeGrowth: "10%", maxWal: 1.5 * 2 ** 30 },
    });
  });

  test("so that what was parsed parses to itself, as the ledger keeps it", () => {
    const policy = policySchema.parse({ budgets: { maxWriteBlock: "500ms", maxSizeGrowth: "1GB" } });
    expect(policySchema.parse(policy).budgets).toEqual({ maxWriteBlock: 500, maxSizeGrowth: 2 ** 30 });
    expect(policySchema.parse(undefined).budgets).toEqual({});
  });

  test.each([["500 parsecs"], ["-1s"], ["10%"], [""]])("not as %j where a time belongs", (text) => {
    expect(budgetsSchema.safeParse({ maxWriteBlock: text }).success).toBe(false);
  });

  test("and a word that is none is refused", () => {
    expect(budgetsSchema.safeParse({ maxBlock: 1 }).success).toBe(false);
  });
});

describe("a release", () => {
  test("within its budgets passes, and the report tells how much was used", () => {
    const judged = judgeBudgets({ maxWriteBlock: 1_000, maxReadBlock: 0, maxSizeGrowth: "20%" }, report);
    expect(judged.map(({ budget, measured, limit }) => [budget, measured, limit])).toEqual([
      ["maxWriteBlock", 950, 1_000],
      ["maxReadBlock", 0, 0],
      ["maxSizeGrowth", 200_000, 200_000],
    ]);
    expect(() => refuseExceeded(judged)).not.toThrow();
  });

  test.each([
    [
      { maxWriteBlock: 500 },
      "the rehearsal took 950 ms of maxWriteBlock, and the policy allows 500 ms",
      /CONCURRENTLY/,
    ],
    [
      { maxDuration: 999 },
      "the rehearsal took 1.0 s of maxDuration, and the policy allows 999 ms",
      /batches/,
    ],
    [{ maxWal: 4_095 }, "the rehearsal took 4.1 KiB of maxWal, and the policy allows 4.0 KiB", /replicas/],
    [
      { maxSizeGrowth: "19.9%" },
      "the rehearsal took 195 KiB of maxSizeGrowth, and the policy allows 194 KiB",
      /vacuum/,
    ],
  ])(
    "beyond %j is refused with the statement that took most, and how to mend it",
    (budgets, message, hint) => {
      const refusal = catching(() => refuseExceeded(judgeBudgets({ maxReadBlock: 5, ...budgets }, report)));
      expect(refusal.code).toBe("BudgetExceeded");
      expect(refusal.message).toBe(
        `${message}; most of it for migrations/0002_index.sql:3: create index on "videos"`,
      );
      expect(refusal.hint).toMatch(hint);
    },
  );
});

test("a slice of a backfill that keeps its rows too long counts as a writer's wait", () => {
  const slow = { path: place.path, table: '"videos"', rows: 10, visited: 10, slices: 1, milliseconds: 2_000 };
  const batches = [{ ...slow, longestSlice: 1_500, rowsPerSecond: 5, bytes: 0, predictedSeconds: 2 }];
  expect(judgeBudgets({ maxWriteBlock: 1_000 }, { ...report, batches })).toMatchObject([
    { measured: 1_500, exceeded: true, statement: { path: place.path, line: 1 } },
  ]);
});

test("the rests that a backfill will take in production count as time, though the copy has none", () => {
  const paced = { path: place.path, table: '"videos"', rows: 10, visited: 10, slices: 1, milliseconds: 500 };
  const batches = [{ ...paced, longestSlice: 500, rowsPerSecond: 20, bytes: 0, predictedSeconds: 60 }];
  const [without] = judgeBudgets({ maxDuration: 50_000 }, report);
  expect(without).toMatchObject({ exceeded: false });
  expect(judgeBudgets({ maxDuration: 50_000 }, { ...report, batches })).toMatchObject([
    { measured: (without?.measured ?? 0) + 59_500, exceeded: true },
  ]);
});

function catching(work: () => void): RehearsalError {
  try {
    work();
  } catch (error) {
    if (error instanceof RehearsalError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
