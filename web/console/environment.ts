/** One environment: its facts, its policy as it is read, how it drifted, its promotions and backups, and what may be begun. */

import { html } from "hono/html";
import { age } from "../../core/counts.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { type BackupRowView, backupTable } from "./backups.ts";
import { roleBadge, stateBadge } from "./badge.ts";
import { currentPart, moves } from "./current.ts";
import { checkField, choiceField, type Html, postForm } from "./form.ts";
import { driftForm, driftWords, type ListedEnvironment } from "./overview.ts";
import { type ListedPromotion, promotionTable } from "./promotions.ts";
import { factList, table } from "./table.ts";
import { short } from "./words.ts";

interface DriftFound {
  differences: readonly { address: string; kind: string; text: string }[];
  count: number;
  /** What leads back to the promise. */
  sql: readonly string[];
  ignored: number;
}

interface EnvironmentView {
  environment: ListedEnvironment & { fingerprint: string };
  /** A line each: the policy's key, and its value in words. */
  policy: readonly (readonly [string, string])[];
  promotions: readonly ListedPromotion[];
  backups: readonly BackupRowView[];
  /** Just found, on demand. */
  found?: DriftFound | undefined;
  mayPromote: boolean;
  /** In every form that starts something: a second press finds what the first has started. */
  once: string;
  now: Date;
  csrf: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function environmentView(view: EnvironmentView): Html {
  const { environment, policy, promotions, backups, found, mayPromote, now, csrf } = view;
  const { name, role, state, address, release, fingerprint, lastVerifiedBackup, drift } = environment;
  return html`<p class="trail"><a href="/console">Overview</a></p>
<div class="head"><h1>${name}</h1>${roleBadge(role)}${stateBadge(state)}
${mayPromote ? html`<p class="acts"><a class="button main" href="/console/environments/${name}/promote">Promote a release</a></p>` : ""}</div>
${refusalBox(view.refusal)}${noticeBox(view.notice)}
${currentPart(
  moves(environment.promotion),
  html`<section class="card" aria-labelledby="facts"><header><h2 id="facts">What it is</h2><div class="acts">${driftForm(name, csrf)}</div></header><div class="body">
${factList([
  ["Database", address],
  ["Release", short(release)],
  ["Shape that is promised", short(fingerprint)],
  ["Drift", driftWords(drift, now)],
  [
    "Newest verified backup",
    lastVerifiedBackup === null
      ? "none"
      : html`<a href="/console/backups/${lastVerifiedBackup.id}">${age(lastVerifiedBackup.ageSeconds)} old</a>`,
  ],
  ["Declared data", html`<a href="/console/inventory/${name}">inventory</a>`],
  ["Questions to it", html`<a href="/console/environments/${name}/queries">queries</a>`],
  ["What is told of it", html`<a href="/console/environments/${name}/reports">reports</a>`],
  ["Working material", html`<a href="/console/environments/${name}/prunes">prunes, policies and holds</a>`],
  ["Data as files", html`<a href="/console/environments/${name}/store">store</a>`],
  ["What happened", html`<a href="/console/log?environment=${name}">log</a>`],
])}</div></section>
${found === undefined ? "" : driftSection(found)}
<section class="card" aria-labelledby="promotions"><header><h2 id="promotions">Promotions</h2><p class="more"><a href="/console/promotions?environment=${name}">All of ${name}</a></p></header>
${promotionTable(promotions, now, "No release has been promoted here yet.", true)}</section>
<section class="card" aria-labelledby="backups"><header><h2 id="backups">Backups</h2><p class="more"><a href="/console/backups?environment=${name}">All of ${name}</a></p></header>
${backupTable(backups, now, { csrf, once: view.once, within: true })}
${mayPromote ? html`<div class="body">${backupForm(view)}</div>` : ""}</section>`,
)}
<section class="card" aria-labelledby="policy"><header><h2 id="policy">Policy</h2></header>
<details class="body"><summary>What each promotion is asked for here</summary>${factList(policy)}
<p class="hint">To change it: <code>rehearsal env policy ${name} FILE</code></p></details></section>`;
}

function backupForm({ environment: { name }, csrf, once }: EnvironmentView) {
  return postForm({
    action: `/console/environments/${name}/backups`,
    csrf,
    values: { once },
    row: true,
    fields: choiceField({
      name: "retention",
      label: "Kept as",
      choices: [
        { value: "manual", label: "manual" },
        { value: "archive", label: "archive" },
        { value: "promotion", label: "promotion" },
      ],
    }),
    button: "Take a backup",
  });
}

function driftSection({ differences, count, sql, ignored }: DriftFound) {
  const more = count - differences.length;
  const notes = [
    more > 0 ? html`<p>And ${more} more.</p>` : "",
    ignored === 0
      ? ""
      : html`<p class="soft">The policy ignores ${ignored} ${ignored === 1 ? "object" : "objects"}.</p>`,
    sql.length === 0
      ? ""
      : html`<details><summary>The SQL that leads back, ${sql.length} ${sql.length === 1 ? "statement" : "statements"}</summary><pre>${sql.join("\n")}</pre></details>`,
  ].filter((note) => note !== "");
  return html`<section class="card" aria-labelledby="drift"><header><h2 id="drift">Drift, when it was last checked</h2></header>
${table({
  caption: "Differences",
  columns: [{ label: "Object" }, { label: "What" }, { label: "Difference" }],
  rows: differences.map(({ address, kind, text }) => [
    html`<code>${address}</code>`,
    kind,
    html`<code>${text}</code>`,
  ]),
  empty: "There was none: the database is what the last promotion left.",
})}
${notes.length === 0 ? "" : html`<div class="body">${notes}</div>`}</section>`;
}

export interface PromoteView {
  environment: { name: string; role: string };
  releases: readonly { hash: string; project: string; uploadedBy: string; createdAt: Date }[];
  /** What was chosen, when the form is shown again. */
  chosen?: { release: string; seed: boolean; rehearseOnly: boolean } | undefined;
  once: string;
  csrf: string;
  refusal?: Refusal | undefined;
}

/** The form that starts a promotion of a release that was uploaded. */
export function promoteView({ environment, releases, chosen, once, csrf, refusal }: PromoteView): Html {
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console">Overview</a> / <a href="/console/environments/${name}">${name}</a></p>
<h1>Promote a release to ${name}</h1>
<p class="lead">${name} is backed up, the backup is restored into a copy, and the release runs on that copy first. Nothing of ${name} is changed before that went well${role === "prod" ? " and the policy's decision is made" : ""}.</p>
${refusalBox(refusal)}
<section class="card" aria-label="Release"><div class="body">${
    releases.length === 0
      ? html`<p>No release is uploaded yet. In the folder of your project: <code>rehearsal promote ${name} --watch</code> uploads it and starts this.</p>`
      : postForm({
          action: `/console/environments/${name}/promote`,
          csrf,
          values: { once },
          fields: html`${choiceField({
            name: "release",
            label: "Release",
            choices: releases.map(({ hash, project, uploadedBy, createdAt }) => ({
              value: hash,
              label: `${hash.slice(0, 12)} · ${project} · uploaded ${createdAt.toISOString().slice(0, 16).replace("T", " ")} UTC by ${uploadedBy}`,
            })),
            ...(chosen !== undefined && { chosen: chosen.release }),
            hint: "The newest first. A release is named by the hash of all its files.",
          })}${
            role === "prod"
              ? ""
              : checkField({ name: "seed", label: "Run its seeds as well", checked: chosen?.seed ?? false })
          }${checkField({
            name: "rehearseOnly",
            label: "Rehearse alone",
            checked: chosen?.rehearseOnly ?? false,
            hint: `It ends behind the rehearsal, with its report, and changes nothing of ${name}.`,
          })}`,
          ...{ button: `Start the promotion of ${name}`, tone: "main" },
        })
  }</div></section>`;
}
