/** What production took beside what the rehearsal took. */
import { html } from "hono/html";
import type { Comparison } from "../core/comparison.ts";
import { TRAFFIC } from "../core/report-blocked.ts";
import { factor, time } from "../core/report-comparison.ts";
import { duration } from "../core/report-words.ts";

/** Nothing before production was migrated. */
export function comparisonSection(comparison: Comparison | undefined) {
  if (comparison === undefined) return "";
  const { total, statements, blocked, unwatched } = comparison;
  return html`<section>
<h2>Rehearsed and real</h2>
<p>Rehearsed ${time(total.rehearsed)}, in production ${time(total.real)}${factor(total.ratio, ": ")}.</p>
<div class="wide" tabindex="0"><table>
<thead><tr><th>Statement</th><th>Rehearsed</th><th>In production</th><th>Factor</th></tr></thead>
<tbody>${statements.map(
    (one) => html`<tr>
<td>${one.path}:${one.line}<br>${one.summary}</td>
<td>${time(one.rehearsed)}</td>
<td>${time(one.real)}</td>
<td>${factor(one.ratio)}</td>
</tr>`,
  )}</tbody>
</table></div>
${waits(blocked)}
${unwatched === undefined ? "" : html`<p>Nobody watched who waited: ${unwatched}</p>`}
</section>`;
}

function waits(blocked: Comparison["blocked"]) {
  if (blocked.length === 0) return "";
  return html`<div class="wide" tabindex="0"><table>
<thead><tr><th>Table</th><th>What waits</th><th>Rehearsed</th><th>Seen to wait</th><th>Statements</th></tr></thead>
<tbody>${blocked.map(
    ({ relation, traffic, predicted, seen, count }) => html`<tr>
<td>${relation ?? "unknown"}</td>
<td>${TRAFFIC[traffic]}</td>
<td>${time(predicted)}</td>
<td>${seen === null ? "nobody" : duration(seen)}</td>
<td>${count}</td>
</tr>`,
  )}</tbody>
</table></div>`;
}
