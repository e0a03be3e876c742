/** The policy's budgets beside what the rehearsal measured. */
import { html } from "hono/html";
import type { Judged } from "../core/budgets.ts";
import { said, verdictOf } from "../core/report-budgets.ts";

/** Nothing when the policy sets none. */
export function budgetSection(judged: readonly Judged[] | undefined) {
  if (judged === undefined || judged.length === 0) return "";
  return html`<section>
<h2>Budgets</h2>
<div class="wide" tabindex="0"><table>
<thead><tr><th>Budget</th><th>Allowed</th><th>Measured</th><th>Most of it for</th></tr></thead>
<tbody>${judged.map(
    (one) => html`<tr>
<td>${one.budget}</td>
<td>${said(one, one.limit)}</td>
<td>${one.exceeded ? html`<strong>${verdictOf(one)}</strong>` : verdictOf(one)}</td>
<td>${one.statement === undefined ? "" : html`${one.statement.path}:${one.statement.line}<br>${one.statement.summary}`}</td>
</tr>`,
  )}</tbody>
</table></div>
</section>`;
}
