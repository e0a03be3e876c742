/** A prune of many records in words that are still read. */
import { expect, test } from "vitest";
import type { Prune, PruneRecord } from "../../cli/prune-answers.ts";
import { describePrune } from "../../cli/prune-text.ts";

const sweep: Prune = {
  ...{ id: "u1", environment: "prod", policy: "jobs", mode: "prune", modeReason: null, trigger: "sweep" },
  ...{ restores: null, requestedBy: "operator", status: "pruned", more: false, error: null },
  counts: { records: 4_000, byStatus: { pruned: 3_999, failed: 1 }, rows: 8_000, objects: 0, bytes: 0 },
  ...{ createdAt: "2026-01-02T03:04:05Z", startedAt: null, endedAt: null },
};

const recordOf = (number: number): PruneRecord => ({
  ...{ record: `R-${number}`, status: "pruned", bundle: null, error: null },
  candidates: { rows: { rounds: 2 }, objects: 0, bytes: 0, kept: { rounds: 1 } },
  stays: [{ table: "rounds", rows: 1, why: "its final names it" }],
  deleted: { rows: { rounds: 2 }, objects: 0, bytes: 0 },
  ...{ restoredBy: null, restoredAt: null, returnedAt: null },
});

test("a sweep of thousands of records is told in some lines, what failed first, and where all of it is", () => {
  const records = Array.from({ length: 4_000 }, (_, number) => recordOf(number));
  records[3_999] = {
    ...recordOf(3_999),
    ...{ status: "failed", error: { code: "X", message: "it broke", hint: "mend it", facts: {} } },
  };
  const lines = describePrune(sweep, records).split("\n");
  expect(lines.length).toBeLessThan(130);
  expect(lines.find((line) => line.startsWith("R-"))).toMatch(/^R-3999 .*it broke \(mend it\)/);
  expect(lines).toContain("3,950 more records; see all of them with: rehearsal prune show u1 --json");
  expect(lines).toContain("3,950 more lines; see all of them with: rehearsal prune show u1 --json");
});

test("a prune of few records is told whole", () => {
  const told = describePrune(sweep, [recordOf(1), recordOf(2)]);
  expect(told.match(/^R-/gm)).toHaveLength(4);
  expect(told).not.toContain("more");
});
