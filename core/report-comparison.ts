/** What production took beside what the rehearsal took, as a section of the report in Markdown. */
import type { Comparison } from "./comparison.ts";
import { TRAFFIC } from "./report-blocked.ts";
import { code, duration } from "./report-words.ts";

/** Empty before production was migrated. */
export function comparisonSection(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return [];
  const { total, statements, blocked, unwatched } = comparison;
  return [
    "## Rehearsed and real",
    "",
    `Rehearsed ${time(total.rehearsed)}, in production ${time(total.real)}${factor(total.ratio, ": ")}.`,
    "",
    "| statement | rehearsed | in production | factor |",
    "|---|---:|---:|---:|",
    ...statements.map(({ path, line, summary, rehearsed, real, ratio }) =>
      row([code(`${path}:${line} ${summary}`), time(rehearsed), time(real), factor(ratio)]),
    ),
    "",
    ...(blocked.length === 0
      ? []
      : [
          "| table | what waits | rehearsed | seen to wait | statements |",
          "|---|---|---:|---:|---:|",
          ...blocked.map(({ relation, traffic, predicted, seen, count }) =>
            row([
              code(relation ?? "unknown"),
              TRAFFIC[traffic],
              time(predicted),
              seen === null ? "nobody" : duration(seen),
              String(count),
            ]),
          ),
          "",
        ]),
    ...(unwatched === undefined ? [] : [`Nobody watched who waited: ${code(unwatched)}`, ""]),
  ];
}

/** Milliseconds in people's words; what nobody measured says so. */
export function time(milliseconds: number | null): string {
  return milliseconds === null ? "not measured" : duration(milliseconds);
}

/** `1.4×`, or nothing. */
export function factor(ratio: number | null, before = ""): string {
  return ratio === null ? "" : `${before}${ratio.toFixed(ratio < 10 ? 1 : 0)}×`;
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
