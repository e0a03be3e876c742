/** Rehearsed beside real: attempts are added up, and what nobody measured is not made up. */
import { expect, test } from "vitest";
import { compareMeasures, type Measures } from "../../core/comparison.ts";
import type { RehearsalReport, StatementMeasure } from "../../core/report.ts";
import { reportMarkdown } from "../../core/report-markdown.ts";
import { reportPage } from "../../web/report.ts";

const path = "migrations/0001_a.sql";
const place = (line: number) => ({ path, line, summary: `statement of line ${line}` });

const measured = (line: number, milliseconds: number): StatementMeasure => ({
  ...{ line, summary: `statement of line ${line}`, sql: "", milliseconds, rows: null },
  ...{ locks: [], rewritten: [], walBytes: 0 },
});

const report: RehearsalReport = {
  ...{ format: "rehearsal-report/1", promotion: "p1", environment: "e", release: "r", server: "18.4" },
  ...{ milliseconds: 500, fingerprintBefore: "", fingerprintAfter: "", differences: [] },
  ...{ bytesBefore: 1, bytesAfter: 1, walBytes: 0 },
  ...{ unchangedTables: [], changedTables: [], brokenChecks: [] },
  runs: [
    {
      ...{ transactional: true, milliseconds: 60, changed: {}, fingerprint: "" },
      items: [
        {
          ...{ kind: "migration", path, milliseconds: 60, idempotent: "not claimed" },
          statements: [measured(1, 10), measured(1, 20), measured(2, 30)],
        },
      ],
    },
  ],
  blocked: [
    {
      ...{ relation: '"public"."a"', traffic: "writes", milliseconds: 55, statement: place(1) },
      ...{ mode: "ShareLock", by: "probe" },
    },
    {
      ...{ relation: '"public"."<b|`>"', traffic: "reads", milliseconds: 5, statement: place(2) },
      ...{ mode: "AccessExclusiveLock", by: "clock" },
    },
  ],
};

function attempt(number: number, statements: [number, number][], waits: Measures["waits"]): Measures {
  const milliseconds = statements.reduce((sum, [, one]) => sum + one, 0);
  const timed = statements.map(([line, one]) => ({ ...place(line), milliseconds: one }));
  return {
    ...{ format: "rehearsal-measures/1", promotion: "p1", attempt: number },
    runs: [{ transactional: true, milliseconds, statements: timed }],
    waits,
  };
}

test("two statements of one line stay two, attempts add up, and a statement that no attempt timed has no factor", () => {
  const wait = { relation: '"public"."a"', traffic: "writes", milliseconds: 40, count: 2 } as const;
  const comparison = compareMeasures(report, [
    attempt(1, [[1, 5]], [wait]),
    attempt(
      3,
      [
        [1, 15],
        [1, 40],
      ],
      [
        { ...wait, milliseconds: 30, count: 1 },
        { ...wait, relation: null, traffic: "rows" },
      ],
    ),
  ]);
  expect(comparison).toEqual({
    total: { rehearsed: 60, real: 60, ratio: 1 },
    statements: [
      { ...place(1), rehearsed: 10, real: 20, ratio: 2 },
      { ...place(1), rehearsed: 20, real: 40, ratio: 2 },
      { ...place(2), rehearsed: 30, real: null, ratio: null },
    ],
    blocked: [
      { relation: '"public"."a"', traffic: "writes", predicted: 55, seen: 40, count: 3 },
      { relation: '"public"."<b|`>"', traffic: "reads", predicted: 5, seen: null, count: 0 },
      { relation: null, traffic: "rows", predicted: null, seen: 40, count: 2 },
    ],
  });
});

test("the report tells who waits and how it went in people's words, and no name becomes markup", () => {
  const comparison = compareMeasures(report, [attempt(1, [[1, 20]], [])]);
  const markdown = reportMarkdown(report, comparison);
  expect(markdown).toContain("Rehearsed 60 ms, in production 20 ms: 0.3×.");
  expect(markdown).toContain('| `` "public"."<b\\|`>" `` | reads | 5.0 ms |');
  expect(markdown).toContain("| `migrations/0001_a.sql:2 statement of line 2` | 30 ms | not measured |  |");
  const page = reportPage(report, comparison);
  expect(page).toContain('<svg class="bars"');
  expect(page).not.toContain("<b|");
  expect(page).toContain("Rehearsed 60 ms, in production 20 ms: 0.3×.");
  expect(reportMarkdown(report)).not.toContain("Rehearsed and real");
});
