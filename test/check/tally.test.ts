/** The last line of `.ci/run`: nothing that failed may be left out of it. */
import { expect, test } from "vitest";
import { tally } from "../../.ci/tally.ts";

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test("sums the tests", () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    testResults: [file("passed", "passed", "passed"), file("failed", "passed", "failed")],
  };
  expect(tally(report, 0, 1)).toEqual({ passed: 3, failed: 1 });
});

test("counts a file whose tests never ran, and a check that failed", () => {
  const report = {
    numPassedTests: 1,
    numFailedTests: 0,
    testResults: [file("passed", "passed"), file("failed"), file("failed", "skipped", "skipped")],
  };
  expect(tally(report, 1, 1)).toEqual({ passed: 1, failed: 3 });
});

test("counts a run that ended badly though its tests passed, or without a report", () => {
  const report = { numPassedTests: 1, numFailedTests: 0, testResults: [file("passed", "passed")] };
  expect(tally(report, 0, 1)).toEqual({ passed: 1, failed: 1 });
  expect(tally(undefined, 0, 134)).toEqual({ passed: 0, failed: 1 });
  expect(tally(report, 0, 0)).toEqual({ passed: 1, failed: 0 });
});
