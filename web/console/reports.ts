/** Reports: what an environment's release has, their runs, and one run with its files and a small map. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { bytes } from "../../core/report-words.ts";
import type { Outline } from "../../core/reporting/outline.ts";
import type { TaskStatus } from "../../core/tasks.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { taskBadge } from "./badge.ts";
import { type Html, postForm, textField } from "./form.ts";
import { factList, pager, table } from "./table.ts";
import { short, when } from "./words.ts";

interface ReportsView {
  environment: string;
  release: string | null;
  reports: readonly {
    name: string;
    kind: "report" | "document";
    description: string;
    formats: readonly string[];
  }[];
  runs: readonly ReportRun[];
  next: string | undefined;
  further: boolean;
  mayRun: boolean;
  csrf: string;
  once: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export interface ReportRun {
  id: string;
  /** The report's name, or the document's. */
  of: string;
  kind: "report" | "regenerate";
  status: TaskStatus;
  requestedBy: string;
  createdAt: Date;
}

const pathOf = (environment: string) => `/console/environments/${environment}/reports`;

export function reportsView(view: ReportsView): Html {
  const { environment, release, reports, runs, mayRun, next, further } = view;
  return html`<p class="trail"><a href="/console/environments/${environment}">${environment}</a></p>
<h1>Reports of ${environment}</h1>
${refusalBox(view.refusal)}${noticeBox(view.notice)}
<section class="card" aria-labelledby="defined"><header><h2 id="defined">What there is</h2><p class="more soft">release ${short(release)}</p></header>
${table({
  caption: "Reports and documents",
  columns: [
    { label: "Name" },
    { label: "What it is" },
    { label: "Formats" },
    ...(mayRun ? [{ label: "Run", kind: "act" as const }] : []),
  ],
  rows: reports.map((one) => [
    html`<code>${one.name}</code>`,
    one.description,
    one.formats.join(", "),
    ...(mayRun ? [runForm(view, one)] : []),
  ]),
  empty: release === null ? "No release was promoted here yet." : "The release has no reports.",
})}</section>
<section class="card" aria-labelledby="runs"><header><h2 id="runs">Runs</h2></header>
${table({
  caption: "Runs of reports",
  columns: [
    { label: "Run" },
    { label: "Of" },
    { label: "How it stands" },
    { label: "Asked for by" },
    { label: "When" },
  ],
  rows: runs.map((run) => [
    html`<a href="/console/reports/${run.id}">${run.id}</a>`,
    html`<code>${run.of}</code>${run.kind === "regenerate" ? " made anew" : ""}`,
    taskBadge(run.status),
    run.requestedBy,
    when(run.createdAt),
  ]),
  empty: "Nothing was run yet.",
})}
${pager({
  what: "runs",
  older: next === undefined ? undefined : `${pathOf(environment)}?before=${next}`,
  newest: further ? pathOf(environment) : undefined,
})}</section>`;
}

function runForm(
  { environment, csrf, once }: ReportsView,
  { name, kind }: ReportsView["reports"][number],
): Html {
  // Each form starts something else, so each has a key of its own.
  const values = { once: `${once}-${name}`, name };
  if (kind === "report")
    return postForm({
      ...{ action: `${pathOf(environment)}/run`, csrf, values, button: "Export", label: `Export ${name}` },
    });
  return postForm({
    ...{ action: `${pathOf(environment)}/regenerate`, csrf, values, row: true, button: "Make anew" },
    label: `Make ${name} anew`,
    fields: textField({
      ...{ name: "record", id: `record-${name}`, label: "Record", maxLength: 1_000 },
      hint: "its key; all that are stale when left empty",
    }),
  });
}

export interface ReportRunView extends ReportRun {
  environment: string;
  error: Refusal | undefined;
  /** Undefined until it has succeeded, and when its files were removed. */
  report?:
    | {
        rows: number;
        snapshotAt: string;
        release: string;
        files: readonly { name: string; size: number; sha256: string }[];
      }
    | undefined;
  regenerated?:
    | {
        records: number;
        written: number;
        unchanged: number;
        refused: number;
        refusals: readonly { record: string; code: string; message: string }[];
      }
    | undefined;
  outline: Outline | undefined;
  mayFetch: boolean;
}

export function reportRunView(view: ReportRunView): Html {
  const { id, of, environment, report, regenerated, outline } = view;
  return html`<p class="trail"><a href="${pathOf(environment)}">Reports of ${environment}</a></p>
<div class="head"><h1>${of}</h1>${taskBadge(view.status)}</div>
${refusalBox(view.error)}
<section class="card" aria-label="The run">${factList([
    ["Run", id],
    ["Asked for by", view.requestedBy],
    ["When", when(view.createdAt)],
    ["Data as of", report?.snapshotAt],
    ["Rows", report && number(report.rows)],
    ["Release", report && short(report.release)],
    ["Records", regenerated && number(regenerated.records)],
    ["Files written", regenerated && number(regenerated.written)],
    ["Files as they were", regenerated && number(regenerated.unchanged)],
    ["Records refused", regenerated && number(regenerated.refused)],
  ])}</section>
${report === undefined ? "" : filesSection(view, report.files)}
${regenerated === undefined || regenerated.refused === 0 ? "" : refusedSection(regenerated)}
${outline === undefined ? "" : mapSection(outline)}`;
}

function filesSection(
  { id, mayFetch }: ReportRunView,
  files: readonly { name: string; size: number; sha256: string }[],
): Html {
  return html`<section class="card" aria-labelledby="files"><header><h2 id="files">Files</h2></header>${table(
    {
      caption: "Files",
      columns: [{ label: "File" }, { label: "Size", kind: "number" }, { label: "SHA-256" }],
      rows: files.map(({ name, size, sha256 }) => [
        mayFetch ? html`<a href="/console/reports/${id}/files/${name}">${name}</a>` : name,
        bytes(size),
        html`<code>${sha256}</code>`,
      ]),
    },
  )}</section>`;
}

function refusedSection({ refused, refusals }: NonNullable<ReportRunView["regenerated"]>): Html {
  return html`<section class="card" aria-labelledby="refused"><header><h2 id="refused">Refused records</h2><p class="more soft">${number(refusals.length)} of ${number(refused)}</p></header>${table(
    {
      caption: "Refused records",
      columns: [{ label: "Record" }, { label: "Code" }, { label: "Why" }],
      rows: refusals.map(({ record, code, message }) => [record, code, message]),
    },
  )}</section>`;
}

/** The drawing says nothing that the text does not: how much there is, and between which degrees. */
function mapSection({ width, height, dots, lines, areas, bounds, drawn }: Outline): Html {
  const [west, south, east, north] = bounds.map((one) => one.toFixed(3));
  const text = `${drawn} places between ${south}° and ${north}° of latitude, ${west}° and ${east}° of longitude; north is up.`;
  return html`<section class="card" aria-labelledby="map"><header><h2 id="map">Map</h2></header>
<svg class="map" role="img" aria-labelledby="map-text" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
${areas.map((d) => html`<path d="${d}" fill="currentColor" fill-opacity="0.15" stroke="currentColor" fill-rule="evenodd"/>`)}
${lines.map((d) => html`<path d="${d}" fill="none" stroke="currentColor"/>`)}
${dots.map(({ x, y }) => html`<circle cx="${x}" cy="${y}" r="2.5" fill="currentColor" fill-opacity="0.5"/>`)}
</svg><p class="soft" id="map-text">${text}</p></section>`;
}
