/** The rehearsal's report on a promotion's page: what to know before saying yes, the rest in the report itself. */

import { html } from "hono/html";
import type { Comparison } from "../../core/comparison.ts";
import { number } from "../../core/counts.ts";
import { type RehearsalReport, type RunMeasure, strongestLocks } from "../../core/report.ts";
import { worstFirst } from "../../core/report-lint.ts";
import { NOTES_TITLE, noteLines } from "../../core/report-notes.ts";
import { rollbackSentence } from "../../core/report-rollback.ts";
import { bytes, duration } from "../../core/report-words.ts";
import type { SchemaChanges } from "../../core/schema-changes.ts";
import { batchesSection } from "../report-batches.ts";
import { budgetSection } from "../report-budgets.ts";
import { comparisonSection } from "../report-comparison.ts";
import { findingsTable } from "../report-lint.ts";
import { plansSection } from "../report-plans.ts";
import { type Refusal, refusalBox } from "./alert.ts";
import { badge } from "./badge.ts";
import type { Html } from "./form.ts";
import { plainName, sizeChart, timesChart, waitsChart } from "./rehearsal-charts.ts";
import { schemaDiff } from "./schema-diff.ts";
import { factList, table } from "./table.ts";

export interface Rehearsed {
  /** The attempt that wrote it. */
  attempt: number;
  report: RehearsalReport;
  comparison?: Comparison | undefined;
  /** The shapes side by side; absent where the rehearsal left none, then the report's own sentences are shown. */
  changes?: SchemaChanges | undefined;
  /** Where the whole report is, as a page of its own. */
  href: string;
}

/** Of long lists so many are shown; the report itself has all. */
const SHOWN = 60;
const FEW = 8;
const STATEMENTS = 300;

/** `told`: the refusal that the page tells already. */
export function rehearsalSection(rehearsed: Rehearsed, told?: Refusal | null): Html {
  const { report, comparison, changes, href, attempt } = rehearsed;
  return html`<section class="card report" id="rehearsal" aria-labelledby="rehearsal-title">
<header><h2 id="rehearsal-title">The rehearsal</h2>${verdict(report)}<p class="more"><a href="${href}">The whole report</a></p></header>
<div class="body">
${report.failure?.message === told?.message ? "" : refusalBox(report.failure)}
${factList([
  ["Postgres", report.server],
  ["Time", duration(report.milliseconds)],
  ["Write-ahead log", bytes(report.walBytes)],
  [
    "Shape",
    html`<code>${report.fingerprintBefore.slice(0, 12)}</code> → <code>${report.fingerprintAfter.slice(0, 12) || "not reached"}</code>`,
  ],
  ["Attempt", attempt === 1 ? undefined : String(attempt)],
])}
${wayBack(report)}
<div class="columns">
<div>${part("Who has to wait", report.blocked && waitsChart(report.blocked, report.budgets))}</div>
<div>${part("Time by file", timesChart(report, comparison))}${part("Size", sizeChart(report))}</div>
</div>
${comparisonSection(comparison && slowest(comparison))}${rest((comparison?.statements.length ?? 0) - FEW, "statements that took less", href)}
${budgetSection(report.budgets)}
${part("What is lost", losses(report))}
${part("Schema", changes === undefined ? lines(report.differences) : schemaDiff(changes))}
${part("Content", content(report))}
${part("Safety analysis", findings(report, href))}
${batchesSection((report.batches ?? []).slice(0, SHOWN))}
${part(NOTES_TITLE, lines(noteLines(report.notes)))}
${part("Broken checks", lines(report.brokenChecks.map(({ path, rows, sample }) => `${path}: ${rows} rows, the first: ${sample}`)))}
${part("Statements", statements(report, href))}
</div></section>`;
}

function verdict({ failure }: RehearsalReport) {
  return failure === undefined ? badge("good", "check", "went well") : badge("bad", "cross", "refused");
}

function part(title: string, inside: Html | "" | undefined) {
  return inside === undefined || inside === "" ? "" : html`<section><h2>${title}</h2>${inside}</section>`;
}

function wayBack({ rollback }: RehearsalReport) {
  const sentence = rollbackSentence(rollback);
  return sentence === "" ? "" : html`<p><strong>The way back.</strong> ${sentence}</p>`;
}

/** The statements that took the longest, here or there. */
function slowest(comparison: Comparison): Comparison {
  const longest = ({ rehearsed, real }: Comparison["statements"][number]) =>
    Math.max(rehearsed ?? 0, real ?? 0);
  const statements = [...comparison.statements].sort((a, b) => longest(b) - longest(a)).slice(0, FEW);
  return { ...comparison, statements, blocked: comparison.blocked.slice(0, SHOWN) };
}

/** What the data plans let be lost beside what the copy lost; the plans themselves behind one click. */
function losses({ plans = [], unplanned = [] }: RehearsalReport): Html | "" {
  if (plans.length === 0 && unplanned.length === 0) return "";
  const lost = plans.flatMap((plan) =>
    plan.statements.flatMap((statement) => statement.losses.map((loss) => ({ plan, statement, loss }))),
  );
  return html`${
    plans.length === 0
      ? ""
      : table({
          caption: "What is lost under the data plans",
          columns: [
            { label: "What" },
            { label: "Measured" },
            { label: "Planned" },
            { label: "In words" },
            { label: "Data plan" },
          ],
          rows: lost
            .slice(0, SHOWN)
            .map(({ plan, statement, loss }) => [
              html`<code>${loss.object}</code>`,
              loss.measured === null ? "not counted" : number(loss.measured),
              loss.planned === undefined ? "no bound" : String(loss.planned),
              statement.loses ?? "",
              plan.path,
            ]),
          empty: "Nothing is lost under the data plans.",
        })
  }${lost.length > SHOWN ? html`<p class="soft">and ${lost.length - SHOWN} more</p>` : ""}
${
  plans.length === 0
    ? ""
    : html`<details id="plans"><summary>${plans.length === 1 ? "The data plan" : `The ${plans.length} data plans`}: why, what will be noticed, the way back, who may approve</summary>${plansSection(plans.slice(0, SHOWN))}</details>`
}
${unplanned.length === 0 ? "" : html`<h3>Not additive, and without a data plan</h3>${lines(unplanned)}`}`;
}

/** What nobody has allowed is open; the rest has its reasons behind one click. */
function findings({ findings: all = [] }: RehearsalReport, href: string): Html | "" {
  if (all.length === 0) return "";
  const open = all.filter(({ suppressed }) => suppressed === undefined);
  const allowed = all.filter(({ suppressed }) => suppressed !== undefined);
  const errors = open.filter(({ severity }) => severity === "error").length;
  const told = worstFirst(open);
  return html`<p>${open.length === 0 ? "Nothing that is not allowed." : `${number(errors)} errors and ${number(open.length - errors)} warnings that nothing allows.`}</p>
${
  open.length === 0
    ? ""
    : html`${findingsTable(told.slice(0, FEW))}${
        told.length > FEW
          ? html`<details id="findings"><summary>${number(told.length - FEW)} more</summary>${findingsTable(told.slice(FEW, SHOWN + FEW))}${rest(told.length - FEW - SHOWN, "findings", href)}</details>`
          : ""
      }`
}
${
  allowed.length === 0
    ? ""
    : html`<details id="allowed"><summary>${number(allowed.length)} that are allowed, with the reasons</summary>${findingsTable(allowed.slice(0, SHOWN))}${rest(allowed.length - SHOWN, "findings", href)}</details>`
}`;
}

/** Every table that the release could have touched: what its kept columns hold now, and the rows it changed. */
function content({ changedTables, unchangedTables, runs }: RehearsalReport): Html | "" {
  const counts = changedRows(runs);
  const changed = new Map(
    changedTables.map((line) => {
      const [name = "", ...said] = line.split(/: (?=\d+ rows before)/);
      return [name, said.join(": ")];
    }),
  );
  const names = [...new Set([...changed.keys(), ...counts.keys(), ...unchangedTables])];
  if (names.length === 0) return "";
  return html`${table({
    caption: "What the tables hold after the rehearsal",
    columns: [
      { label: "Table" },
      { label: "Kept columns" },
      { label: "Inserted", kind: "number" },
      { label: "Updated", kind: "number" },
      { label: "Deleted", kind: "number" },
    ],
    rows: names.slice(0, SHOWN).map((name) => {
      const { inserted = 0, updated = 0, deleted = 0 } = counts.get(name) ?? {};
      const became = changed.get(name);
      return [
        html`<code>${plainName(name)}</code>`,
        became === undefined
          ? unchangedTables.includes(name)
            ? "unchanged, by checksum"
            : "not compared"
          : html`<strong>changed</strong>: ${became}`,
        number(inserted),
        number(updated),
        number(deleted),
      ];
    }),
  })}${names.length > SHOWN ? html`<p class="soft">and ${names.length - SHOWN} more tables</p>` : ""}`;
}

function changedRows(runs: readonly RunMeasure[]) {
  const counts = new Map<string, { inserted: number; updated: number; deleted: number }>();
  for (const { changed } of runs)
    for (const [name, { inserted, updated, deleted }] of Object.entries(changed)) {
      const known = counts.get(name) ?? { inserted: 0, updated: 0, deleted: 0 };
      counts.set(name, {
        inserted: known.inserted + inserted,
        updated: known.updated + updated,
        deleted: known.deleted + deleted,
      });
    }
  return counts;
}

/** What ran, statement by statement, behind one click. */
function statements({ runs }: RehearsalReport, href: string): Html | "" {
  const all = runs.flatMap(({ items }) =>
    items.flatMap(({ path, statements }) => statements.map((one) => ({ ...one, path }))),
  );
  if (all.length === 0) return "";
  return html`<details id="statements"><summary>${number(all.length)} statements with their times, rows, locks and rewrites</summary>
<div class="wide" tabindex="0"><table>
<thead><tr><th scope="col">Where</th><th scope="col">Statement</th><th scope="col" class="number">Time</th><th scope="col" class="number">Rows</th><th scope="col">Locks newly held</th><th scope="col">Rewritten</th><th scope="col" class="number">WAL</th></tr></thead>
<tbody>${all.slice(0, STATEMENTS).map(
    ({ path, line, summary, milliseconds, rows, locks, rewritten, walBytes }) => html`<tr>
<td>${path}:${line}</td><td>${summary}</td><td class="number">${duration(milliseconds)}</td><td class="number">${rows ?? ""}</td>
<td>${strongestLocks(locks)
      .slice(0, 20)
      .map(({ relation, mode }) => html`${mode} on ${plainName(relation)}<br>`)}</td>
<td>${rewritten.slice(0, 20).map(plainName).join(", ")}</td><td class="number">${bytes(walBytes)}</td>
</tr>`,
  )}</tbody></table></div>${rest(all.length - STATEMENTS, "statements", href)}</details>`;
}

function lines(told: readonly string[]): Html | "" {
  if (told.length === 0) return "";
  return html`<ul>${told.slice(0, SHOWN).map((line) => html`<li>${line}</li>`)}</ul>${
    told.length > SHOWN ? html`<p class="soft">and ${told.length - SHOWN} more</p>` : ""
  }`;
}

function rest(count: number, what: string, href: string) {
  return count > 0
    ? html`<p class="soft">and ${number(count)} more ${what}, in <a href="${href}">the whole report</a></p>`
    : "";
}
