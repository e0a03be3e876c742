/** The console's one sheet: system fonts, digits of one width, one accent, two themes of the same colours by name. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f7, #111316);
  --sheet: light-dark(#ffffff, #191c20);
  --sunken: light-dark(#eff1f1, #14161a);
  --line: light-dark(#dfe3e4, #2c3138);
  --edge: light-dark(#80878d, #7b838c);
  --text: light-dark(#1b1f23, #e6e8ea);
  --soft: light-dark(#555d65, #a4abb3);
  --accent: light-dark(#0b5a9c, #83bcf2);
  --on-accent: light-dark(#ffffff, #0b1a28);
  --good: light-dark(#17663a, #7fd3a1);
  --wait: light-dark(#7f4b00, #efbf72);
  --bad: light-dark(#a8221b, #ff9f97);
  --round: 6px;
  --mono: ui-monospace, "SFMono-Regular", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%;
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 620; text-wrap: balance; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.05rem; }
h3 { font-size: .95rem; }
p { margin: 0; }
ul, ol { margin: 0; padding-left: 1.25rem; }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
code, pre, .mono { font-family: var(--mono); font-size: .9em; font-variant-ligatures: none; }
code { overflow-wrap: anywhere; }
pre { margin: 0; padding: .6rem .75rem; background: var(--sunken); border: 1px solid var(--line); border-radius: var(--round); white-space: pre-wrap; overflow-wrap: anywhere; }
svg.icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; border: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: .5rem; top: -4rem; z-index: 2; padding: .5rem .9rem; background: var(--accent); color: var(--on-accent); border-radius: var(--round); }
.skip:focus { top: .5rem; }

/* The shell. */
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.5rem; padding: .45rem max(1rem, (100% - 78rem) / 2); background: var(--sheet); border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: .5rem; color: inherit; font-weight: 650; text-decoration: none; letter-spacing: -.01em; }
.brand:hover span { text-decoration: underline; text-decoration-thickness: 1px; }
.mark rect { fill: var(--accent); }
.mark path { fill: none; stroke: var(--on-accent); stroke-width: 2; stroke-linecap: round; }
.places ul { display: flex; flex-wrap: wrap; gap: 0 .15rem; padding: 0; list-style: none; }
.places a { display: block; padding: .35rem .6rem; color: var(--soft); text-decoration: none; border-radius: var(--round); }
.places a:hover { color: var(--text); background: var(--sunken); }
.places a[aria-current] { color: var(--text); font-weight: 600; box-shadow: inset 0 -2px 0 var(--accent); border-radius: var(--round) var(--round) 0 0; }
.me { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; margin-left: auto; }
.person { display: flex; align-items: center; gap: .6rem; }
.who { display: inline-flex; align-items: center; gap: .35rem; max-width: 16rem; overflow-wrap: anywhere; color: var(--soft); }
.themes fieldset { display: flex; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: var(--round); }
.themes button { display: grid; place-items: center; width: 1.9rem; height: 1.75rem; border: 0; background: none; color: var(--soft); cursor: pointer; }
.themes button:hover { color: var(--text); }
.themes button[aria-pressed="true"] { color: var(--text); background: var(--sunken); box-shadow: inset 0 -2px 0 var(--accent); }
main, .current { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
main { max-width: 80rem; margin: 0 auto; padding: 1.25rem 1rem 4rem; }
.narrow { width: min(30rem, 100%); margin: 4vh auto 0; }

/* A page's head, and sections. */
.head { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .9rem; }
.head .acts { margin-left: auto; }
.trail { font-size: .9rem; color: var(--soft); }
.lead { color: var(--soft); max-width: 46rem; }
.acts { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
section.card, .card { background: var(--sheet); border: 1px solid var(--line); border-radius: var(--round); }
.card > header { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; padding: .65rem .9rem; border-bottom: 1px solid var(--line); }
.card > header .acts, .card > header .more { margin-left: auto; }
.card > .body { display: grid; grid-template-columns: minmax(0, 1fr); gap: .9rem; padding: .9rem; }
.card > .empty { padding: .9rem; }
.card > table + .body, .card > .empty + .body { border-top: 1px solid var(--line); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem; align-items: start; }
.empty, .soft { color: var(--soft); }
.number { font-variant-numeric: tabular-nums; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: .7rem 1.25rem; margin: 0; }
.facts > div { min-width: 0; }
.facts dt { font-size: .82rem; color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }

/* Words with shapes. */
.badge { display: inline-flex; align-items: center; gap: .35em; padding: .05em .55em .05em .4em; border: 1px solid color-mix(in srgb, currentColor 35%, transparent); border-radius: 99px; background: color-mix(in srgb, currentColor 8%, transparent); font-size: .87rem; line-height: 1.5; white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.busy { color: var(--accent); }
.badge.wait { color: var(--wait); }
.badge.bad { color: var(--bad); }
.badge.still { color: var(--soft); }
.role { display: inline-block; padding: 0 .45em; border: 1px solid var(--edge); border-radius: 4px; font-size: .82rem; letter-spacing: .02em; }
.role.prod { background: var(--text); border-color: var(--text); color: var(--sheet); font-weight: 600; }
.notice { display: flex; gap: .65rem; padding: .7rem .9rem; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-left-width: 4px; border-radius: var(--round); background: var(--sheet); }
.notice > svg { margin-top: .2em; font-size: 1.1rem; }
.notice > div { display: grid; grid-template-columns: minmax(0, 1fr); gap: .35rem; min-width: 0; flex: 1; color: var(--text); }
.notice.bad { color: var(--bad); }
.notice.wait { color: var(--wait); }
.notice.good { color: var(--good); }
.notice .code { font: .82rem var(--mono); color: var(--soft); }

/* Tables, and the lists they become. */
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { padding: .45rem .9rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-size: .82rem; font-weight: 500; color: var(--soft); white-space: nowrap; }
tbody th { font-weight: 500; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:hover { background: color-mix(in srgb, var(--sunken) 60%, transparent); }
th.number, td.number { text-align: right; white-space: nowrap; }
td.act { text-align: right; }
td.act .value { display: flex; flex-wrap: wrap; justify-content: end; gap: .4rem; }
td time, td a > code, th a > code { white-space: nowrap; overflow-wrap: normal; }
.wide { overflow-x: auto; }
.sub { display: block; font-size: .86rem; color: var(--soft); font-weight: 400; }
.pager { display: flex; gap: 1.25rem; padding: .6rem .9rem; border-top: 1px solid var(--line); }

/* Forms. */
form { margin: 0; }
.inline { display: inline-flex; }
.stacked { display: grid; grid-template-columns: minmax(0, 1fr); gap: .8rem; justify-items: start; }
.row { display: flex; flex-wrap: wrap; gap: .6rem .8rem; align-items: end; width: 100%; }
.row > .field { flex: 1 1 11rem; max-width: 24rem; }
.row > .field.check { flex: 0 1 auto; width: auto; min-height: 2.25rem; }
.row > .button { min-height: 2.25rem; }
.field { display: grid; gap: .25rem; width: 100%; }
.field label, .group legend { font-size: .9rem; font-weight: 550; padding: 0; }
.field.check { grid-template-columns: auto 1fr; align-items: center; column-gap: .5rem; }
.field.check label { font-weight: 400; }
.field.check .hint { grid-column: 2; }
.facts + .hint { margin-top: .9rem; }
.hint { font-size: .86rem; color: var(--soft); }
.group { margin: 0; padding: 0; border: 0; display: grid; gap: .5rem; width: 100%; }
input:not([type="checkbox"], [type="radio"], [type="hidden"]), select, textarea { width: 100%; min-height: 2.25rem; padding: .35rem .6rem; font: inherit; color: inherit; background: var(--sheet); border: 1px solid var(--edge); border-radius: var(--round); }
input[type="checkbox"], input[type="radio"] { width: 1.05rem; height: 1.05rem; margin: 0; accent-color: var(--accent); }
textarea { min-height: 4.5rem; resize: vertical; }
.button { display: inline-flex; align-items: center; gap: .4rem; min-height: 2.1rem; padding: .25rem .8rem; font: inherit; font-weight: 550; line-height: 1.3; color: var(--text); background: var(--sheet); border: 1px solid var(--edge); border-radius: var(--round); text-decoration: none; cursor: pointer; }
.button:hover { background: var(--sunken); }
.button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
.button.main:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
.button.danger { color: var(--bad); border-color: currentColor; }
.button.small, td .button { min-height: 1.75rem; padding: .1rem .6rem; font-size: .88rem; }
.plain { padding: .2rem .1rem; border: 0; background: none; font: inherit; color: var(--accent); text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .15em; cursor: pointer; }
.secret { font: 1rem var(--mono); user-select: all; overflow-wrap: anywhere; padding: .6rem .75rem; border: 1px dashed var(--edge); border-radius: var(--round); background: var(--sunken); }
details > summary { cursor: pointer; }
details > summary:hover { color: var(--accent); }
details[open] > summary { margin-bottom: .5rem; }
.steps { display: grid; gap: .9rem; }

@media (max-width: 46rem) {
  .top { gap: .3rem 1rem; }
  .places { order: 3; width: 100%; margin: 0 -.6rem; }
  .places a { padding: .4rem .6rem; }
  th, td { padding: .35rem .75rem; }
  table.list, .list thead, .list tbody, .list tr, .list th, .list td { display: block; width: 100%; }
  .list thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .list tbody tr { padding: .45rem 0; border-bottom: 1px solid var(--line); }
  .list tbody tr:last-child { border-bottom: 0; }
  .list tbody th, .list tbody td { padding: .16rem .75rem; border: 0; text-align: left; white-space: normal; }
  .list tbody td[data-label]:not([data-label=""]) { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: .75rem; }
  .list tbody td[data-label]:not([data-label=""])::before { content: attr(data-label); color: var(--soft); font-size: .86rem; }
  td.act .value { justify-content: start; }
}
@media (min-width: 46rem) {
  .short { white-space: nowrap; }
}
@media (prefers-reduced-motion: no-preference) {
  .button, .places a { transition: background-color .12s, color .12s; }
}
@media (forced-colors: active) {
  .places a[aria-current], .themes button[aria-pressed="true"] { outline: 2px solid Highlight; outline-offset: -2px; }
}
`;
