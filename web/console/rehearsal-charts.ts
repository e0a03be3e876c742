/** The rehearsal's figures as charts: how long each file took, who would have to wait, and what became of the size. */

import { html } from "hono/html";
import type { Blocked } from "../../core/blocked.ts";
import type { Judged } from "../../core/budgets.ts";
import type { Comparison } from "../../core/comparison.ts";
import { number } from "../../core/counts.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { TRAFFIC } from "../../core/report-blocked.ts";
import { time } from "../../core/report-comparison.ts";
import { bytes, duration } from "../../core/report-words.ts";
import { waitsTable } from "../report-blocked.ts";
import { type BarPart, barChart } from "./chart.ts";
import type { Html } from "./form.ts";

/** More bars than these nobody compares; the table beneath has more, and the artifact all. */
const BARS = 15;
const ROWS = 200;

interface FileTime {
  path: string;
  rehearsed: number;
  /** In production; null before it was migrated. */
  real: number | null;
  idempotent: boolean;
}

/** Time by file, in the order in which they run; beside it what production took, once it has. */
export function timesChart(report: RehearsalReport, comparison: Comparison | undefined): Html {
  const files = fileTimes(report, comparison);
  if (files.length === 0) return html`<p class="soft">No file ran.</p>`;
  const total = files.reduce((sum, { rehearsed }) => sum + rehearsed, 0);
  const slowest = [...files].sort((a, b) => b.rehearsed - a.rehearsed);
  const kept = new Set(slowest.slice(0, BARS));
  const shown = files.filter((file) => kept.has(file));
  const chart = barChart({
    id: "times",
    title: "Time by file",
    summary: `${files.length} files took ${duration(total)} on the copy. The longest: ${slowest
      .slice(0, 3)
      .map(({ path, rehearsed }) => `${path}, ${duration(rehearsed)}`)
      .join("; ")}. The table beneath says the same.`,
    bars: shown.map(({ path, rehearsed, real }) => ({
      label: shortPath(path),
      parts: [
        {
          value: rehearsed,
          text: `${duration(rehearsed)}${real === null ? "" : " rehearsed"}`,
          tone: "rehearsed",
        },
        ...(real === null
          ? []
          : [{ value: real, text: `${duration(real)} in production`, tone: "real" } satisfies BarPart]),
      ],
    })),
  });
  return html`${chart}${left(files.length - shown.length, "files that took less")}
<details id="times-table"><summary>The same as a table</summary><div class="wide" tabindex="0"><table>
<thead><tr><th scope="col">File</th><th scope="col" class="number">Rehearsed</th><th scope="col" class="number">In production</th><th scope="col">Run twice</th></tr></thead>
<tbody>${files
    .slice(0, ROWS)
    .map(
      ({ path, rehearsed, real, idempotent }) =>
        html`<tr><th scope="row">${path}</th><td class="number">${duration(rehearsed)}</td><td class="number">${real === null ? "not yet" : time(real)}</td><td>${idempotent ? "proved to change nothing" : "not claimed"}</td></tr>`,
    )}</tbody></table></div>${left(files.length - ROWS, "files, which the report has")}</details>`;
}

/** Each item's time; production's is the sum of its statements'. */
function fileTimes(report: RehearsalReport, comparison: Comparison | undefined): FileTime[] {
  const real = new Map<string, number>();
  for (const one of comparison?.statements ?? [])
    if (one.real !== null) real.set(one.path, (real.get(one.path) ?? 0) + one.real);
  return report.runs.flatMap(({ items }) =>
    items.map(({ path, milliseconds, idempotent }) => ({
      path,
      rehearsed: milliseconds,
      real: real.get(path) ?? null,
      idempotent: idempotent === "proved",
    })),
  );
}

/** Who would be kept waiting, by which statement, and for how long; with the policy's budget as a line where there is one. */
export function waitsChart(blocked: readonly Blocked[], budgets: readonly Judged[] = []): Html {
  if (blocked.length === 0) return html`<p>Nobody who reads or writes has to wait.</p>`;
  const [longest] = blocked;
  const budget =
    budgets.find((one) => one.budget === "maxWriteBlock") ??
    budgets.find((one) => one.budget === "maxReadBlock");
  const chart = barChart({
    id: "waits",
    title: "Who has to wait, and how long",
    summary: `${blocked.length} kinds of traffic have to wait. ${
      longest === undefined
        ? ""
        : `The longest: ${TRAFFIC[longest.traffic]} of ${longest.relation} for ${duration(longest.milliseconds)}, because of ${longest.statement.summary}.`
    } The table beneath says the same.`,
    bars: blocked.slice(0, BARS).map(({ relation, traffic, milliseconds, statement }) => ({
      label: `${plainName(relation)}: ${TRAFFIC[traffic]}`,
      detail: `${shortPath(statement.path)}:${statement.line} ${statement.summary}`,
      parts: [{ value: milliseconds, text: duration(milliseconds), tone: traffic }],
    })),
    ...(budget && { limit: { value: budget.limit, text: `budget ${duration(budget.limit)}` } }),
  });
  return html`${chart}${left(blocked.length - BARS, "that wait less")}
<details id="waits-table"><summary>The same as a table</summary>${waitsTable(blocked.slice(0, ROWS))}${left(blocked.length - ROWS, "waits, which the report has")}</details>`;
}

/** The size on disk before and after, and the difference in words. */
export function sizeChart({ bytesBefore, bytesAfter, fingerprintAfter }: RehearsalReport): Html {
  // A rehearsal that was refused half-way has measured no end.
  if (fingerprintAfter === "")
    return html`<p>${bytes(bytesBefore)} before; the rehearsal did not get to its end.</p>`;
  const words = sizeWords(bytesBefore, bytesAfter);
  return html`<p>${words}</p>${barChart({
    id: "sizes",
    title: "Size of the database",
    summary: words,
    bars: [
      {
        label: "On disk",
        parts: [
          { value: bytesBefore, text: `${bytes(bytesBefore)} before`, tone: "before" },
          { value: bytesAfter, text: `${bytes(bytesAfter)} after`, tone: "after" },
        ],
      },
    ],
  })}`;
}

function sizeWords(before: number, after: number): string {
  const delta = after - before;
  if (delta === 0) return `The size stays what it is: ${bytes(before)}.`;
  const share =
    before > 0 ? ` (${delta > 0 ? "+" : "−"}${Math.abs((delta / before) * 100).toFixed(1)} %)` : "";
  return `The database ${delta > 0 ? "grows" : "shrinks"} by ${bytes(Math.abs(delta))}${share}, from ${bytes(before)} to ${bytes(after)}.`;
}

function left(count: number, what: string): Html | "" {
  return count > 0 ? html`<p class="soft">and ${number(count)} more ${what}</p>` : "";
}

/** `"public"."files"` as people say it, where nothing in it needs the quotes. */
export function plainName(quoted: string): string {
  return quoted.replace(/"([a-z_][a-z0-9_]*)"/g, "$1").replace(/^public\./, "");
}

function shortPath(path: string): string {
  return path.replace(/^migrations\//, "");
}
