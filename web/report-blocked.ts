/** Who waits for a release and for how long, as bars; the table beneath says the same in words. */
import { html } from "hono/html";
import type { Blocked } from "../core/blocked.ts";
import { TRAFFIC } from "../core/report-blocked.ts";
import { duration } from "../core/report-words.ts";

const ROW = 28;
const WIDTH = 640;
/** More bars than these nobody compares; the table has them all. */
const BARS = 12;

/** Nothing when the report does not tell of it. */
export function blockedSection(blocked: readonly Blocked[] | undefined) {
  if (blocked === undefined) return "";
  if (blocked.length === 0) return html`<p>Nobody who reads or writes has to wait.</p>`;
  return html`<section>
<h2>Who has to wait</h2>
${bars(blocked.slice(0, BARS))}
${waitsTable(blocked, "waits")}
</section>`;
}

/** The same in words. */
export function waitsTable(blocked: readonly Blocked[], id?: string) {
  return html`<div class="wide" tabindex="0"><table${id === undefined ? "" : html` id="${id}"`}>
<thead><tr><th scope="col">Table</th><th scope="col">What waits</th><th scope="col">Longest</th><th scope="col">For</th><th scope="col">Lock</th><th scope="col">Told by</th></tr></thead>
<tbody>${blocked.map(blockedRow)}</tbody>
</table></div>`;
}

function bars(blocked: readonly Blocked[]) {
  const longest = Math.max(1, ...blocked.map(({ milliseconds }) => milliseconds));
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${blocked.length * ROW}" role="img" aria-label="The longest wait by table; the table beneath says the same" aria-describedby="waits">
${blocked.map((one, index) => {
  const width = Math.max(2, Math.round((one.milliseconds / longest) * WIDTH));
  return html`<rect class="${one.traffic}" x="0" y="${index * ROW + 18}" width="${width}" height="7" rx="2"></rect>
<text x="0" y="${index * ROW + 13}">${one.relation}: ${TRAFFIC[one.traffic]}, ${duration(one.milliseconds)}</text>`;
})}
</svg>`;
}

function blockedRow({ relation, traffic, milliseconds, statement, mode, by }: Blocked) {
  return html`<tr>
<td>${relation}</td>
<td>${TRAFFIC[traffic]}</td>
<td>${duration(milliseconds)}</td>
<td>${statement.path}:${statement.line}<br>${statement.summary}</td>
<td>${mode}</td>
<td>${by === "probe" ? "a probe that waited" : "the clock"}</td>
</tr>`;
}

export const BLOCKED_STYLE = `
.bars { width: 100%; max-width: 50rem; height: auto; }
.bars text { fill: currentColor; font: 12px system-ui, sans-serif; }
.bars .reads { fill: light-dark(#b3261e, #f2b8b5); }
.bars .writes { fill: light-dark(#8a5300, #ffb95c); }
.bars .rows { fill: light-dark(#4a5d7a, #a9bbd6); }
`;
