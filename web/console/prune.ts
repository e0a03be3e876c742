/** One prune: what it came to, and each of its records with what went, what stayed and why, and the way back. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { bytes } from "../../core/report-words.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { currentPart } from "./current.ts";
import { type Html, postForm, textField } from "./form.ts";
import { isUnderWay, MODES, pruneBadge, recordBadge, TRIGGERS } from "./prune-words.ts";
import type { ListedPrune } from "./prunes.ts";
import { factList, pager, table } from "./table.ts";
import { ago, short, when } from "./words.ts";

interface Counted {
  rows: Readonly<Record<string, number>>;
  objects: number;
  bytes: number;
}

/** Rows of a table that stay, and for which reason. */
interface KeptView {
  table: string;
  rows: number;
  why: string;
}

interface PrunedRecordView {
  record: string;
  status: string;
  candidates: Counted | null;
  kept: readonly KeptView[];
  bundle: { sha256: string; bytes: number } | null;
  deleted: Counted | null;
  error: Refusal | null;
  restoredBy: string | null;
  restoredAt: Date | null;
  returnedAt: Date | null;
}

interface PruneView {
  prune: ListedPrune & { release: string; restores: string | null; error: Refusal | null; more: boolean };
  role: string;
  records: readonly PrunedRecordView[];
  next?: string | undefined;
  further: boolean;
  /** Where its report can be fetched from. */
  report: boolean;
  mayPromote: boolean;
  once: string;
  now: Date;
  csrf: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function pruneView(view: PruneView): Html {
  const { prune, records, next, further, now } = view;
  const { id, environment, counts } = prune;
  return html`<p class="trail"><a href="/console/prunes">Prunes</a> / <a href="/console/environments/${environment}/prunes">${environment}</a></p>
${currentPart(
  isUnderWay(prune),
  html`<div class="head"><h1>Prune <code>${id}</code></h1>${pruneBadge(prune.status)}</div>
${refusalBox(view.refusal ?? prune.error ?? undefined)}${noticeBox(view.notice)}
<section class="card" aria-labelledby="facts"><header><h2 id="facts">What it is</h2></header><div class="body">${factList(
    [
      ["Environment", html`<a href="/console/environments/${environment}/prunes">${environment}</a>`],
      ["Policy", html`${prune.policy} of release ${short(prune.release)}`],
      ["What it does", MODES[prune.mode] ?? prune.mode],
      ["Why it only tells", prune.modeReason ?? undefined],
      [
        "Brings back",
        prune.restores === null
          ? undefined
          : html`<a href="/console/prunes/${prune.restores}"><code>${prune.restores}</code></a>`,
      ],
      [
        "Asked for",
        html`${ago(prune.createdAt, now)}: ${TRIGGERS[prune.trigger] ?? prune.trigger}, by ${prune.requestedBy}`,
      ],
      ["Ended", when(prune.endedAt)],
      ["Records", number(counts.records)],
      ["Rows", number(counts.rows)],
      ["Objects", `${number(counts.objects)}, ${bytes(counts.bytes)}`],
      ["Left for another", prune.more ? "records of the backlog, for the next sweep" : undefined],
      ["Report", view.report ? html`<a href="/console/prunes/${id}/report">as JSON</a>` : undefined],
    ],
  )}</div></section>
<section class="card" aria-labelledby="records"><header><h2 id="records">Records</h2></header>
${table({
  caption: "Records, by their names",
  columns: [
    { label: "Record" },
    { label: "Status" },
    { label: prune.mode === "report" ? "Would go" : "Went" },
    { label: "Stayed, and why" },
    { label: "Bundle" },
    { label: "Actions", kind: "act" },
  ],
  rows: records.map((one, at) => [
    html`<code>${one.record}</code>`,
    standing(one),
    wentWords(one.deleted ?? one.candidates),
    keptWords(one.kept),
    one.bundle === null
      ? "–"
      : html`${short(one.bundle.sha256)}<span class="sub">${bytes(one.bundle.bytes)}</span>`,
    restoreForm(view, one, at),
  ]),
  empty: isUnderWay(prune) ? "They are being chosen." : "There was nothing to do.",
})}
${pager({
  older: next === undefined ? undefined : `/console/prunes/${id}?after=${encodeURIComponent(next)}`,
  newest: further ? `/console/prunes/${id}` : undefined,
  what: "records",
})}</section>
${restoreSection(view)}`,
)}`;
}

function standing({ status, error, restoredBy, restoredAt, returnedAt }: PrunedRecordView): Html {
  return html`${recordBadge(status)}${
    error === null
      ? ""
      : html`<span class="sub">${error.message}</span><span class="sub">${error.hint}</span><span class="sub code">${error.code}</span>`
  }${
    restoredAt === null
      ? ""
      : html`<span class="sub">brought back ${when(restoredAt)}${restoredBy === null ? "" : html` by <a href="/console/prunes/${restoredBy}"><code>${restoredBy}</code></a>`}</span>`
  }${returnedAt === null ? "" : html`<span class="sub">there again with an older state of the database, ${when(returnedAt)}</span>`}`;
}

function wentWords(counted: Counted | null) {
  if (counted === null) return "–";
  const tables = Object.entries(counted.rows).filter(([, count]) => count > 0);
  if (tables.length === 0 && counted.objects === 0) return "nothing";
  return html`${tables.map(
    ([name, count]) =>
      html`<span class="sub">${number(count)} ${count === 1 ? "row" : "rows"} of <code>${name}</code></span>`,
  )}${counted.objects === 0 ? "" : html`<span class="sub">${number(counted.objects)} ${counted.objects === 1 ? "object" : "objects"}, ${bytes(counted.bytes)}</span>`}`;
}

function keptWords(kept: readonly KeptView[]) {
  if (kept.length === 0) return "–";
  return html`${kept.map(
    ({ table, rows, why }) =>
      html`<span class="sub">${number(rows)} ${rows === 1 ? "row" : "rows"} of <code>${table}</code>: ${why}</span>`,
  )}`;
}

const isRestorable = ({ status, restoredAt, returnedAt }: PrunedRecordView) =>
  ["rows-deleted", "media-deleted", "pruned"].includes(status) && restoredAt === null && returnedAt === null;

function mayRestore({ prune, mayPromote }: PruneView): boolean {
  return mayPromote && prune.mode === "prune" && !isUnderWay(prune);
}

function restoreForm(view: PruneView, one: PrunedRecordView, at: number) {
  if (!mayRestore(view) || !isRestorable(one)) return "";
  const { prune, role, csrf, once } = view;
  return postForm({
    action: `/console/prunes/${prune.id}/restore`,
    csrf,
    values: { once: `${once}-${at}`, record: one.record },
    row: true,
    fields: role === "prod" ? confirmField(prune.environment, `restore-${at}`) : "",
    ...{ button: "Bring back", label: `Bring back ${one.record}` },
  });
}

function restoreSection(view: PruneView) {
  if (!mayRestore(view) || !view.records.some(isRestorable)) return "";
  const { prune, role, csrf, once } = view;
  return html`<section class="card" aria-labelledby="back"><header><h2 id="back">Bring all of it back</h2></header><div class="body">
<p>Every row and every object of its bundles is put back where it was, bit for bit.</p>
${postForm({
  action: `/console/prunes/${prune.id}/restore`,
  csrf,
  values: { once: `${once}-all` },
  fields: role === "prod" ? confirmField(prune.environment, "restore-all") : "",
  ...{ button: "Bring everything back", tone: "danger" },
})}</div></section>`;
}

const confirmField = (environment: string, id: string) =>
  textField({ name: "confirm", id, label: `Type ${environment} to confirm`, required: true });
