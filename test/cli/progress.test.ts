import { expect, test } from "vitest";
import { liveLine, stepCells } from "../../cli/promotion-text.ts";

test("a backfill in slices tells its share, its rows, its rate and the time left", () => {
  const progress = {
    done: { bytes: 0, rows: 25_000 },
    total: { bytes: 0, rows: 100_000 },
    now: "migrations/0001_a.sql",
    rowsPerSecond: 5_000,
    secondsLeft: 15,
  };
  const line = liveLine({ step: "migrate", progress }, 4_000);
  for (const part of ["migrate", "25 %", "a second", "15.0 s left", "migrations/0001_a.sql"])
    expect(line).toContain(part);
});

test("an attempt that stopped in time is told as one that came so far", () => {
  const [word, step] = stepCells({
    step: "migrate",
    attempt: 2,
    status: "yielded",
    outcome: { more: true },
    error: null,
    progress: null,
    startedAt: "2026-01-01T00:00:00Z",
    endedAt: "2026-01-01T00:14:30Z",
  });
  expect([word, step]).toEqual(["so far", "migrate (try 2)"]);
});
