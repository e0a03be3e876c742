/** The last line of a run: `N passed, N failed`, summed from vitest's JSON report and the statuses of what ran around it. */
import { readFileSync } from "node:fs";

/** What is read of the report: https://vitest.dev/guide/reporters.html#json-reporter */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

/**
 * A file that failed without a failing test counts as one failure, for its tests never ran; so does a check that failed,
 * and a run that ended badly though every test in it passed.
 */
export function tally(report: Report | undefined, checkStatus: number, testStatus: number) {
  const files = report?.testResults ?? [];
  const broken = files.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failedTests = (report?.numFailedTests ?? 0) + broken;
  const unexplained = testStatus !== 0 && failedTests === 0 ? 1 : 0;
  return {
    passed: report?.numPassedTests ?? 0,
    failed: failedTests + unexplained + (checkStatus === 0 ? 0 : 1),
  };
}

if (import.meta.main) {
  const [file = "", checkStatus, testStatus] = process.argv.slice(2);
  const { passed, failed } = tally(read(file), Number(checkStatus), Number(testStatus));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    // No report, or half of one: the run ended before its end, and its status says so.
    return undefined;
  }
}
