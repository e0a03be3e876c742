/** Prunes in lists: all of them, and those of an environment beside its policies and its holds. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { bytes } from "../../core/report-words.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { roleBadge } from "./badge.ts";
import { currentPart } from "./current.ts";
import { filterForm, type Narrowed, narrowedPager } from "./filter.ts";
import { choiceField, type Html, postForm, textField } from "./form.ts";
import { type PolicyView, policySection } from "./prune-policies.ts";
import { isUnderWay, MODES, pruneBadge, TRIGGERS } from "./prune-words.ts";
import { table } from "./table.ts";
import { ago, when } from "./words.ts";

/** A prune as a line. */
export interface ListedPrune {
  id: string;
  environment: string;
  policy: string;
  trigger: string;
  mode: string;
  modeReason: string | null;
  status: string;
  requestedBy: string;
  counts: { records: number; rows: number; objects: number; bytes: number };
  createdAt: Date;
  endedAt: Date | null;
  error: { message: string } | null;
}

function pruneTable(prunes: readonly ListedPrune[], now: Date, within = false): Html {
  return table({
    caption: "Prunes, the newest first",
    columns: [
      { label: "Prune" },
      ...(within ? [] : [{ label: "Environment" }]),
      { label: "Policy" },
      { label: "Status" },
      { label: "What it does" },
      { label: "Asked for" },
      { label: "Records", kind: "number" },
      { label: "Rows", kind: "number" },
      { label: "Objects", kind: "number" },
      { label: "Ended" },
    ],
    rows: prunes.map((one) => [
      html`<a href="/console/prunes/${one.id}"><code>${one.id}</code></a>`,
      ...(within
        ? []
        : [html`<a href="/console/environments/${one.environment}/prunes">${one.environment}</a>`]),
      one.policy,
      html`${pruneBadge(one.status)}${one.error === null ? "" : html`<span class="sub">${one.error.message}</span>`}`,
      html`${MODES[one.mode] ?? one.mode}${one.modeReason === null ? "" : html`<span class="sub">${one.modeReason}</span>`}`,
      html`${ago(one.createdAt, now)}<span class="sub">${TRIGGERS[one.trigger] ?? one.trigger}, by ${one.requestedBy}</span>`,
      number(one.counts.records),
      number(one.counts.rows),
      html`${number(one.counts.objects)}${one.counts.bytes === 0 ? "" : html`<span class="sub">${bytes(one.counts.bytes)}</span>`}`,
      when(one.endedAt),
    ]),
    empty: "There is none yet. A record that is archived begins one.",
  });
}

interface PrunesView extends Narrowed {
  prunes: readonly ListedPrune[];
  now: Date;
}

export function prunesView(view: PrunesView): Html {
  const { prunes, environment, now } = view;
  return html`<h1>Prunes</h1>
<p class="lead">What became of the working material of archived records: told, bundled and deleted, or brought back.</p>
${filterForm("/console/prunes", view)}
${environment === "" ? "" : html`<p><a href="/console/environments/${environment}/prunes">Policies and holds of ${environment}</a></p>`}
${currentPart(
  prunes.some(isUnderWay),
  html`<section class="card" aria-label="Prunes">${pruneTable(prunes, now)}
${narrowedPager("/console/prunes", "prunes", view)}</section>`,
)}`;
}

interface HoldView {
  id: string;
  policy: string;
  /** Null holds every record. */
  record: string | null;
  reason: string;
  placedBy: string;
  placedAt: Date;
}

interface ArchiveEventView {
  source: string;
  id: string;
  policy: string;
  record: string;
  receivedAt: Date;
  /** What became of it; null as long as nobody came to it. */
  became: string | null;
  prune: string | null;
}

interface EnvironmentPrunesView {
  environment: { name: string; role: string };
  /** Undefined where nothing is promoted yet. */
  policies?: readonly PolicyView[] | undefined;
  prunes: readonly ListedPrune[];
  /** Those that stand. */
  holds: readonly HoldView[];
  /** Whether there are more than these. */
  moreHolds: boolean;
  events: readonly ArchiveEventView[];
  backups: readonly string[];
  mayPromote: boolean;
  mayRelease: boolean;
  once: string;
  now: Date;
  csrf: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function environmentPrunesView(view: EnvironmentPrunesView): Html {
  const { environment, policies, prunes, now } = view;
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console">Overview</a> / <a href="/console/environments/${name}">${name}</a></p>
<div class="head"><h1>Prunes of ${name}</h1>${roleBadge(role)}</div>
${refusalBox(view.refusal)}${noticeBox(view.notice)}
${policies === undefined ? html`<p class="lead">No release was promoted here yet, so there is no policy.</p>` : policySection(view, policies)}
${currentPart(
  prunes.some(isUnderWay),
  html`<section class="card" aria-labelledby="runs"><header><h2 id="runs">Runs</h2><p class="more"><a href="/console/prunes?environment=${name}">All of ${name}</a></p></header>
${pruneTable(prunes, now, true)}</section>`,
)}
${holdSection(view)}
${eventSection(view)}`;
}

function holdSection(view: EnvironmentPrunesView) {
  const { environment, policies = [], holds, moreHolds, mayPromote, mayRelease, now, csrf } = view;
  const at = `/console/environments/${environment.name}/holds`;
  return html`<section class="card" aria-labelledby="holds"><header><h2 id="holds">Holds</h2>${moreHolds ? html`<p class="more soft">the newest</p>` : ""}</header>
${table({
  caption: "Holds that stand, the newest first",
  columns: [
    { label: "Held" },
    { label: "Policy" },
    { label: "Reason" },
    { label: "Placed" },
    { label: "Actions", kind: "act" },
  ],
  rows: holds.map((hold) => [
    hold.record === null ? "every record" : html`<code>${hold.record}</code>`,
    hold.policy,
    hold.reason,
    html`${ago(hold.placedAt, now)}<span class="sub">by ${hold.placedBy}</span>`,
    mayRelease
      ? postForm({
          action: `${at}/${hold.id}/release`,
          csrf,
          row: true,
          fields: textField({
            ...{
              name: "reason",
              id: `release-${hold.id}`,
              label: "Why it may go",
              required: true,
              maxLength: 500,
            },
          }),
          ...{
            button: "Release",
            label: `Release the hold on ${hold.record ?? `every record of ${hold.policy}`}`,
          },
        })
      : "",
  ]),
  empty: "Nothing is held.",
})}
${
  mayPromote && policies.length > 0
    ? html`<div class="body">${postForm({
        action: at,
        csrf,
        fields: html`${policyField(policies, "hold-policy")}${textField({
          ...{ name: "record", id: "hold-record", label: "Record", maxLength: 500 },
          hint: "Its primary key. Left empty, every record of the policy is held.",
        })}${textField({ name: "reason", id: "hold-reason", label: "Reason", required: true, maxLength: 500 })}`,
        ...{ button: "Place a hold", label: "Place a hold" },
      })}</div>`
    : ""
}</section>`;
}

/** One of the environment's policies. */
function policyField(policies: readonly PolicyView[], id: string): Html {
  return choiceField({
    ...{ name: "policy", id, label: "Policy" },
    choices: policies.map(({ name }) => ({ value: name, label: name })),
  });
}

function eventSection({ events, now }: EnvironmentPrunesView) {
  return html`<section class="card" aria-labelledby="archived"><header><h2 id="archived">Told to be archived</h2></header>
${table({
  caption: "What was told last",
  columns: [
    { label: "Record" },
    { label: "Policy" },
    { label: "Told" },
    { label: "What became of it" },
    { label: "Prune" },
  ],
  rows: events.map(({ record, policy, source, receivedAt, became, prune }) => [
    html`<code>${record}</code>`,
    policy,
    html`${ago(receivedAt, now)}<span class="sub">by ${source}</span>`,
    became ?? "not looked at yet",
    prune === null ? "–" : html`<a href="/console/prunes/${prune}"><code>${prune}</code></a>`,
  ]),
  empty: "Nothing was told yet.",
})}</section>`;
}
