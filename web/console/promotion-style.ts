/** The part of the sheet that a promotion's page needs: the runbook's rail, the charts, the schema side by side. */

export const PROMOTION_STYLE = `
[hidden] { display: none !important; }
.promotion { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
#why { display: grid; gap: .75rem; }
#away { position: sticky; bottom: .75rem; z-index: 1; }
.jump ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; list-style: none; font-size: .93rem; }
.digest { font-size: .82rem; overflow-wrap: anywhere; }
.paths { padding: 0; list-style: none; }
.decision { border-color: color-mix(in srgb, var(--wait) 55%, var(--line)); }
.decision .ending { display: grid; gap: .5rem; padding-top: .9rem; border-top: 1px solid var(--line); }
.decision .ending:first-child { padding-top: 0; border-top: 0; }
.why-not { display: flex; gap: .5rem; align-items: baseline; color: var(--soft); }
.told-proof { padding: .65rem .9rem 0; color: var(--soft); }
.artifacts { display: grid; gap: .2rem; padding: 0; list-style: none; font-size: .93rem; }
#artifacts > details, #artifacts > .empty { padding: .9rem; }

/* The runbook: a rail of marks, with what each step says beside it. */
.runbook { margin: 0; padding: .9rem; list-style: none; }
.chapter { position: relative; display: grid; grid-template-columns: 1.25rem minmax(0, 1fr); gap: .75rem; padding-bottom: 1rem; }
.chapter:last-child { padding-bottom: 0; }
.chapter:not(:last-child)::before { content: ""; position: absolute; left: .56rem; top: 1.5rem; bottom: -.1rem; width: 2px; background: var(--line); }
.chapter.good:not(:last-child)::before { background: color-mix(in srgb, var(--good) 45%, var(--line)); }
.mark-of { font-size: 1.2rem; line-height: 1; margin-top: .08rem; color: var(--soft); }
.chapter.good .mark-of { color: var(--good); }
.chapter.busy .mark-of { color: var(--accent); }
.chapter.wait .mark-of { color: var(--wait); }
.chapter.bad .mark-of { color: var(--bad); }
.told { display: grid; grid-template-columns: minmax(0, 1fr); gap: .3rem; min-width: 0; }
.told > p { max-width: 62rem; }
.told h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .6rem; }
.chapter.still h3 { color: var(--soft); font-weight: 500; }
.standing { font-size: .84rem; font-weight: 500; color: var(--soft); }
.standing.good { color: var(--good); }
.standing.busy { color: var(--accent); }
.standing.wait { color: var(--wait); }
.standing.bad { color: var(--bad); }
.began { margin-left: auto; font-size: .84rem; font-weight: 400; color: var(--soft); }
.took { min-width: 4.2rem; text-align: right; font-size: .88rem; font-weight: 400; color: var(--soft); }
.told details { font-size: .9rem; color: var(--soft); }
.told details[open] { color: var(--text); }
.failure { color: var(--bad); }
.attempts { display: grid; gap: .45rem; padding-left: 1.4rem; }
.progress { display: grid; gap: .3rem; max-width: 40rem; }
progress { appearance: none; width: 100%; height: .55rem; border: 0; border-radius: 99px; overflow: hidden; background: var(--line); accent-color: var(--accent); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 99px; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 99px; }
progress:not([value]) { background: repeating-linear-gradient(110deg, var(--accent) 0 .6rem, color-mix(in srgb, var(--accent) 45%, var(--line)) .6rem 1.2rem); }
progress:not([value])::-webkit-progress-bar { background: none; }

/* The rehearsal. */
.report > .body { gap: 1.5rem; }
.report .columns > div { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
.report section { display: grid; grid-template-columns: minmax(0, 1fr); gap: .55rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
.report section > h3 { font-size: .88rem; color: var(--soft); }
.report td, .report th { padding-left: 0; padding-right: 1rem; }
.report .wide table { min-width: 44rem; }
.chart { display: block; max-width: 56rem; }
.chart text { fill: var(--text); font-size: 12.5px; }
.chart .detail { fill: var(--soft); font-size: 11.5px; }
.chart .value { font-variant-numeric: tabular-nums; }
.chart rect.rehearsed, .chart rect.before { fill: color-mix(in srgb, var(--accent) 55%, var(--sheet)); }
.chart rect.real, .chart rect.after { fill: var(--accent); }
.chart rect.reads { fill: var(--bad); }
.chart rect.writes { fill: var(--wait); }
.chart rect.rows { fill: var(--soft); }
.chart .limit { stroke: var(--text); stroke-width: 1; stroke-dasharray: 3 3; }

/* Old beside new. */
.diff { border: 1px solid var(--line); border-radius: var(--round); overflow: hidden; font-size: .9rem; }
.diff [role="row"] { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 5fr) minmax(0, 5fr); }
.diff [role="row"] > * { padding: .35rem .6rem; min-width: 0; overflow-wrap: anywhere; }
.diff-head [role="row"] { background: var(--sunken); color: var(--soft); font-size: .82rem; }
.diff-object { border-top: 1px solid var(--line); }
.diff .diff-name { display: block; background: color-mix(in srgb, var(--sunken) 60%, transparent); }
.diff .diff-name > span { display: block; }
.diff-line { border-top: 1px dotted var(--line); }
.diff .side code { white-space: pre-wrap; }
.diff .side.old { background: color-mix(in srgb, var(--bad) 8%, transparent); }
.diff .side.new { background: color-mix(in srgb, var(--good) 9%, transparent); }
.word { padding: 0 .35em; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-radius: 4px; font-size: .8rem; font-weight: 500; white-space: nowrap; }
.word.added { color: var(--good); }
.word.removed { color: var(--bad); }
.word.changed { color: var(--wait); }
@media (max-width: 46rem) {
  .diff-head { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .diff [role="row"] { grid-template-columns: minmax(0, 1fr); }
  .diff .side.none { display: none; }
  .diff .side::before { content: attr(data-label); display: block; font-size: .8rem; color: var(--soft); }
}
@media (prefers-reduced-motion: no-preference) {
  .chapter.busy .mark-of svg { animation: breathe 1.8s ease-in-out infinite; }
  @keyframes breathe { 50% { opacity: .45; } }
}
@media (forced-colors: active) {
  .chart rect { fill: CanvasText; }
  progress { border: 1px solid CanvasText; }
}
`;
