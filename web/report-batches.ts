/** The report's section on backfills in slices. */
import { html } from "hono/html";
import { type BatchMeasure, batchCells } from "../core/report-batches.ts";

/** Empty when no file ran in slices; every value is escaped by the template. */
export function batchesSection(batches: readonly BatchMeasure[] = []) {
  if (batches.length === 0) return "";
  const row = (batch: BatchMeasure) =>
    html`<tr>${batchCells(batch, (text) => html`<code>${text}</code>`).map((cell) => html`<td>${cell}</td>`)}</tr>`;
  return html`<section>
<h2>Backfills in slices</h2>
<div class="wide" tabindex="0"><table>
<thead><tr><th>File</th><th>Table</th><th>Rows changed</th><th>Rows gone over</th><th>Slices</th><th>The longest</th><th>Rows a second</th><th>WAL</th><th>On production</th></tr></thead>
<tbody>${batches.map(row)}</tbody>
</table></div>
</section>`;
}
