/** The data plans and what is lost under them, on the report's page. */
import { html } from "hono/html";
import type { PlannedMeasure, PlanReport } from "../core/plan-report.ts";
import { lossWords } from "../core/report-plans.ts";

/** Nothing when the report does not tell of any. */
export function plansSection(plans: readonly PlanReport[] | undefined) {
  return (plans ?? []).map(
    (plan) => html`<section>
<h2>Data plan ${plan.path} for ${plan.migration}</h2>
<p>${plan.why}</p>
<div class="wide" tabindex="0"><table>
<thead><tr><th>Line</th><th>Statement</th><th>Loses</th><th>Measured</th><th>Deterministic</th></tr></thead>
<tbody>${plan.statements.map(statementRow)}</tbody>
</table></div>
${list("What will be noticed", plan.notes)}
${list("To be built anew afterwards", plan.rebuild)}
${list("The way back", [plan.back])}
${list("Who may approve", plan.approvers)}
</section>`,
  );
}

function statementRow({ line, summary, loses, losses, deterministic }: PlannedMeasure) {
  return html`<tr>
<td>${line}</td>
<td>${summary}</td>
<td>${loses ?? ""}</td>
<td>${losses.map((loss) => html`${lossWords(loss)}<br>`)}</td>
<td>${deterministic === "proved" ? "proved" : ""}</td>
</tr>`;
}

function list(title: string, lines: readonly string[]) {
  if (lines.length === 0) return "";
  return html`<h3>${title}</h3><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
