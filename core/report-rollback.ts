/** How the rollback was rehearsed, as one sentence for people. */
import type { RollbackReport } from "./report.ts";
import { duration } from "./report-words.ts";

/** Nothing when the rehearsal did not get that far. */
export function rollbackSentence(rollback: RollbackReport | undefined): string {
  if (rollback === undefined) return "";
  const { path, milliseconds, tables, settingsEqual, untouched } = rollback;
  const way = path === "swap" ? "The waiting copy was swapped in" : "A copy was restored and swapped in";
  return [
    `The rollback was rehearsed. ${way} within ${duration(milliseconds)}, and had the shape and, in ${tables} tables, the content that production had.`,
    ...(settingsEqual ? [] : ["Its settings or access rights are not quite production's."]),
    ...(untouched
      ? []
      : ["The server cannot tell that it was left alone since, so a rollback would read it again."]),
  ].join(" ");
}
