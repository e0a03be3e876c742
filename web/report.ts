/** The rehearsal's report as one page of HTML that stands alone: no script, no outside resource, light and dark. */
import { html, raw } from "hono/html";
import type { Comparison } from "../core/comparison.ts";
import {
  type RehearsalReport,
  type RunMeasure,
  type StatementMeasure,
  strongestLocks,
} from "../core/report.ts";
import { hintParts } from "../core/report-hint.ts";
import { NOTES_TITLE, noteLines } from "../core/report-notes.ts";
import { rollbackSentence } from "../core/report-rollback.ts";
import { bytes, duration } from "../core/report-words.ts";
import { batchesSection } from "./report-batches.ts";
import { BLOCKED_STYLE, blockedSection } from "./report-blocked.ts";
import { budgetSection } from "./report-budgets.ts";
import { comparisonSection } from "./report-comparison.ts";
import { lintSection } from "./report-lint.ts";
import { plansSection } from "./report-plans.ts";

/** Every value is escaped by the template; only the style sheet is raw. */
export function reportPage(report: RehearsalReport, comparison?: Comparison): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Rehearsal ${report.promotion}</title>
<style>${raw(STYLE + BLOCKED_STYLE)}</style>
</head>
<body>
<main>
<h1>Rehearsal ${report.promotion}</h1>
${verdict(report)}
<dl>
<dt>Environment</dt><dd>${report.environment}, Postgres ${report.server}</dd>
<dt>Release</dt><dd><code>${report.release}</code></dd>
<dt>Shape</dt><dd><code>${report.fingerprintBefore.slice(0, 12)}</code> → <code>${report.fingerprintAfter.slice(0, 12) || "not reached"}</code></dd>
<dt>Time</dt><dd>${duration(report.milliseconds)}</dd>
<dt>Size</dt><dd>${bytes(report.bytesBefore)} → ${bytes(report.bytesAfter)}</dd>
<dt>WAL</dt><dd>${bytes(report.walBytes)}</dd>
</dl>
${report.rollback === undefined ? "" : html`<p>${rollbackSentence(report.rollback)}</p>`}
${comparisonSection(comparison)}
${plansSection(report.plans)}
${list("Not additive, and without a data plan", report.unplanned ?? [])}
${blockedSection(report.blocked)}
${budgetSection(report.budgets)}
${lintSection(report.findings)}
${report.runs.map((run, index) => runSection(run, index))}
${batchesSection(report.batches)}
${list(NOTES_TITLE, noteLines(report.notes))}
${list("Differences of shape", report.differences)}
${list("Tables whose kept columns changed", report.changedTables)}
${list("Tables whose kept columns hold what they held", report.unchangedTables)}
${list(
  "Broken checks",
  report.brokenChecks.map(({ path, rows, sample }) => `${path}: ${rows} rows, the first: ${sample}`),
)}
</main>
</body>
</html>
`);
}

function verdict(report: RehearsalReport) {
  return report.failure
    ? html`<p class="refused"><strong>Refused.</strong> ${report.failure.message}</p>${hint(report.failure.hint)}`
    : html`<p class="well"><strong>It went well.</strong> Every file ran on a restored copy of production.</p>`;
}

function hint(text: string) {
  const { sentence, lines } = hintParts(text);
  return html`<p>${sentence}</p>${lines === "" ? "" : html`<pre>${lines}</pre>`}`;
}

function runSection(run: RunMeasure, index: number) {
  const kind = run.transactional ? "one transaction" : "outside a transaction";
  const longest = Math.max(1, ...run.items.flatMap((item) => item.statements.map((one) => one.milliseconds)));
  return html`<section>
<h2>Run ${index + 1}: ${kind}, ${duration(run.milliseconds)}</h2>
${run.items.map(
  (
    item,
  ) => html`<h3>${item.path}: ${duration(item.milliseconds)}${item.idempotent === "proved" ? ", idempotent (proved)" : ""}</h3>
<div class="wide" tabindex="0"><table>
<thead><tr><th>Line</th><th>Statement</th><th>Time</th><th>Rows</th><th>Locks newly held</th><th>Rewritten</th><th>WAL</th></tr></thead>
<tbody>${item.statements.map((statement) => statementRow(statement, longest))}</tbody>
</table></div>`,
)}
${list(
  "Rows changed",
  Object.entries(run.changed).map(
    ([table, { inserted, updated, deleted }]) =>
      `${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`,
  ),
)}
</section>`;
}

function statementRow(statement: StatementMeasure, longest: number) {
  const share = Math.max(1, Math.round((statement.milliseconds / longest) * 100));
  return html`<tr>
<td>${statement.line}</td>
<td><details><summary>${statement.summary}</summary><pre>${statement.sql}</pre></details></td>
<td><span class="bar" style="width:${share}%"></span>${duration(statement.milliseconds)}</td>
<td>${statement.rows ?? ""}</td>
<td>${strongestLocks(statement.locks).map(({ relation, mode }) => html`${mode} on ${relation}<br>`)}</td>
<td>${statement.rewritten.join(", ")}</td>
<td>${bytes(statement.walBytes)}</td>
</tr>`;
}

function list(title: string, lines: readonly string[]) {
  if (lines.length === 0) return "";
  return html`<h3>${title}</h3><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.bar { display: block; height: .35rem; border-radius: .2rem; background: color-mix(in srgb, currentColor 45%, transparent); }
.refused, .well { padding: .75rem 1rem; border-left: .3rem solid; }
.refused { border-color: light-dark(#b3261e, #f2b8b5); }
.well { border-color: light-dark(#1b6e3c, #7fd6a0); }
`;
