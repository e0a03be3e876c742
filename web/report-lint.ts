/** What the safety analysis found, and what of it was allowed and why. */
import { html } from "hono/html";
import { whyAllowed } from "../core/lint/planned.ts";
import type { Finding } from "../core/lint/rule.ts";
import { worstFirst } from "../core/report-lint.ts";

/** Nothing when nothing was found. */
export function lintSection(findings: readonly Finding[] | undefined) {
  if (findings === undefined || findings.length === 0) return "";
  return html`<section>
<h2>Safety analysis</h2>
${findingsTable(findings)}
</section>`;
}

/** The worst first. */
export function findingsTable(findings: readonly Finding[]) {
  return html`<div class="wide" tabindex="0"><table>
<thead><tr><th scope="col">Where</th><th scope="col">Rule</th><th scope="col">Finding</th><th scope="col">Verdict</th></tr></thead>
<tbody>${worstFirst(findings).map(
    ({ path, line, rule, message, hint, severity, suppressed }) => html`<tr>
<td>${path}:${line}</td>
<td>${rule}</td>
<td>${message}<br>${hint}</td>
<td>${suppressed === undefined ? severity : html`allowed: ${whyAllowed(suppressed)}`}</td>
</tr>`,
  )}</tbody>
</table></div>`;
}
