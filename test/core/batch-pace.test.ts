/** The pace of a batch: sizes, rests, and what they make of the whole. */
import { describe, expect, test } from "vitest";
import { leastSize, predictSeconds, restAfter, sizeAfter, smaller } from "../../core/batch-pace.ts";
import { batchProgress } from "../../core/batch-progress.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { type BatchMeasure, batchSection, measureBatch } from "../../core/report-batches.ts";
import { batchesSection } from "../../web/report-batches.ts";

describe("the size of the next slice", () => {
  test("goes towards 200 ms by half or double at most, between a sixteenth and the whole", () => {
    const next = (size: number, milliseconds: number) => sizeAfter(size, 1600, { milliseconds, waiting: 0 });
    expect(next(400, 200)).toBe(400);
    expect(next(400, 250)).toBe(320);
    expect(next(400, 5)).toBe(800);
    expect(next(400, 10_000)).toBe(200);
    expect(next(1600, 5)).toBe(1600);
    expect(next(100, 10_000)).toBe(100);
    expect(leastSize(1600)).toBe(100);
    expect(leastSize(3)).toBe(1);
  });

  test("is half where others waited, however quick it was", () => {
    expect(sizeAfter(400, 1600, { milliseconds: 1, waiting: 2 })).toBe(200);
    expect(smaller(101, 1600)).toBe(100);
  });
});

describe("rests", () => {
  test("pay for the rate, less what the slice took, and are the pause at least", () => {
    expect(restAfter({ visited: 500, milliseconds: 100 }, { rate: 1_000, pause: 0 })).toBe(400);
    expect(restAfter({ visited: 500, milliseconds: 900 }, { rate: 1_000, pause: 20 })).toBe(20);
    expect(restAfter({ visited: 500, milliseconds: 900 }, { pause: 0 })).toBe(0);
  });

  test("make the prediction for production, which no copy has to wait for", () => {
    const measured = { visited: 100_000, slices: 20, milliseconds: 4_000 };
    expect(predictSeconds(measured, { pause: 0 })).toBe(4);
    expect(predictSeconds(measured, { pause: 100 })).toBe(6);
    expect(predictSeconds(measured, { pause: 100, rate: 1_000 })).toBe(100);
  });
});

test("progress tells rows of how many, their rate and the seconds left", () => {
  const standing = { visited: 25_000, expected: 100_000, slices: 5, milliseconds: 1_000 };
  expect(batchProgress("migrations/0001_a.sql", standing, { rate: 5_000, pause: 0 })).toEqual({
    done: { bytes: 0, rows: 25_000 },
    total: { bytes: 0, rows: 100_000 },
    now: "migrations/0001_a.sql",
    rowsPerSecond: 5_000,
    secondsLeft: 15,
  });
  // More rows than the planner knew of.
  expect(batchProgress("a", { ...standing, expected: 10 }, { pause: 0 })).toMatchObject({
    total: { rows: 25_000 },
    secondsLeft: 0,
  });
});

test("the report tells each batch, in Markdown and in HTML, its names never markup", () => {
  const standing = { rows: 90, visited: 100, expected: 100, slices: 2, milliseconds: 50 };
  const measure: BatchMeasure = measureBatch(
    "migrations/0001_<b>.sql",
    { table: '"a|b"', rate: 50, pause: 0 },
    standing,
    { longestSlice: 30, walBytes: 4_096 },
  );
  expect(measure).toMatchObject({ rowsPerSecond: 2_000, predictedSeconds: 2, bytes: 4_096 });
  const batches: NonNullable<RehearsalReport["batches"]> = [measure];
  expect(batchSection(batches)).toContain(
    '| `migrations/0001_<b>.sql` | `"a\\|b"` | 90 | 100 | 2 | 30 ms | 2000 | 4.0 KiB | about 2.0 s |',
  );
  expect(batchSection()).toEqual([]);
  const page = String(batchesSection(batches));
  expect(page).toContain("<td><code>migrations/0001_&lt;b&gt;.sql</code></td>");
  expect(page).toContain("about 2.0 s");
});
