/** The reference's style sheet: system fonts, two themes by the reader's own setting, one column on a narrow screen. */

export const REFERENCE_STYLE = `
:root{color-scheme:light dark;--ink:#1b2330;--paper:#fff;--quiet:#4d5a6c;--line:#d5dbe3;--shade:#f3f5f8;--link:#0b57b4}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf1;--paper:#12161d;--quiet:#a9b4c3;--line:#323c4a;--shade:#1b212b;--link:#8ab8ff}}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:var(--paper);font:1rem/1.55 system-ui,sans-serif}
a{color:var(--link)}
a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-9999px}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem}
header,nav,main{padding:1rem 1.25rem}
header{border-bottom:1px solid var(--line)}
h1{font-size:1.5rem;margin:.25rem 0}
h2{font-size:1.25rem;margin:1.5rem 0 .5rem}
nav h2{font-size:.95rem;margin:1rem 0 .25rem}
nav ul{margin:0;padding-left:1.1rem;font-size:.9rem}
article{border-top:1px solid var(--line);padding:1rem 0;scroll-margin-top:1rem}
h3{font-size:1.05rem;margin:.25rem 0}
h4{margin:.75rem 0 .25rem}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
small,.access{color:var(--quiet)}
.method{font:700 .85rem ui-monospace,monospace;border:1px solid currentcolor;border-radius:.25rem;padding:0 .35rem}
.scroll{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.35rem .6rem .35rem 0;font-weight:400}
thead th{color:var(--quiet)}
dl{margin:.25rem 0;padding-left:.75rem;border-left:2px solid var(--line)}
dt{margin-top:.35rem}
dd{margin:0 0 0 1rem}
.type{color:var(--quiet);overflow-wrap:anywhere}
@media (min-width:60rem){body{display:grid;grid-template-columns:18rem minmax(0,1fr)}header{grid-column:1/-1}nav{border-right:1px solid var(--line);position:sticky;top:0;max-height:100vh;overflow:auto}main{max-width:60rem}}
`;
