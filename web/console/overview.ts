/** The overview: every environment in a line, what wants a person first, and the newest promotions. */

import { html } from "hono/html";
import { age } from "../../core/counts.ts";
import type { Status } from "../../core/steps.ts";
import { noticeBox } from "./alert.ts";
import { badge, promotionBadge, roleBadge, stateBadge } from "./badge.ts";
import { currentPart, moves } from "./current.ts";
import { type Html, postForm } from "./form.ts";
import { icon } from "./icon.ts";
import { type ListedPromotion, promotionTable } from "./promotions.ts";
import { table } from "./table.ts";
import { ago, short } from "./words.ts";

export interface ListedEnvironment {
  name: string;
  role: string;
  state: string;
  /** Without the password. */
  address: string;
  release: string | null;
  promotion: { id: string; status: Status; createdAt: Date } | null;
  lastVerifiedBackup: { id: string; ageSeconds: number } | null;
  drift: KnownDrift | null;
}

/** What was found when the database was last held against its promise. */
interface KnownDrift {
  /** 0 when there is none. */
  count: number;
  checkedAt: Date;
  /** Something else has been promised since, so it says nothing of now. */
  overtaken: boolean;
}

interface OverviewView {
  environments: readonly ListedEnvironment[];
  promotions: readonly ListedPromotion[];
  now: Date;
  csrf: string;
  notice?: string | undefined;
}

export function overviewView({ environments, promotions, now, csrf, notice }: OverviewView): Html {
  if (environments.length === 0) return html`<h1>Overview</h1>${noticeBox(notice)}${beginning()}`;
  return html`<h1>Overview</h1>
${noticeBox(notice)}${currentPart(
  environments.some(({ promotion }) => moves(promotion)),
  html`${attention(environments)}
<section class="card" aria-labelledby="environments"><header><h2 id="environments">Environments</h2></header>
${table({
  caption: "Environments",
  columns: [
    { label: "Environment" },
    { label: "State" },
    { label: "Release" },
    { label: "Last promotion" },
    { label: "Drift" },
    { label: "Verified backup" },
    { label: "Actions", kind: "act" },
  ],
  rows: environments.map((environment) => row(environment, now, csrf)),
})}</section>
<section class="card" aria-labelledby="newest"><header><h2 id="newest">Newest promotions</h2><p class="more"><a href="/console/promotions">All promotions</a></p></header>
${promotionTable(promotions, now, "No release has been promoted yet.")}</section>`,
)}`;
}

function row(environment: ListedEnvironment, now: Date, csrf: string) {
  const { name, role, state, address, release, promotion, lastVerifiedBackup, drift } = environment;
  return [
    html`<a href="/console/environments/${name}">${name}</a> ${roleBadge(role)}<span class="sub">${address}</span>`,
    stateBadge(state),
    short(release),
    promotion === null
      ? html`<span class="soft">none yet</span>`
      : html`<a href="/console/promotions/${promotion.id}">${promotionBadge(promotion.status)}</a><span class="sub">${ago(promotion.createdAt, now)}</span>`,
    driftWords(drift, now),
    lastVerifiedBackup === null
      ? badge("wait", "warn", "none")
      : html`<a href="/console/backups/${lastVerifiedBackup.id}">${age(lastVerifiedBackup.ageSeconds)} old</a>`,
    driftForm(name, csrf),
  ];
}

/** The button that holds a database against its promise, now. */
export function driftForm(environment: string, csrf: string): Html {
  return postForm({
    action: `/console/environments/${environment}/drift`,
    csrf,
    button: "Check drift",
    label: `Check drift of ${environment}`,
  });
}

/** What is known of drift, and since when. */
export function driftWords(drift: KnownDrift | null, now: Date): Html {
  if (drift === null) return html`<span class="soft">not checked</span>`;
  const { count, checkedAt, overtaken } = drift;
  if (overtaken) return html`<span class="soft">not checked since it was promoted</span>`;
  const found =
    count === 0
      ? badge("good", "check", "none")
      : badge("bad", "warn", `${count} ${count === 1 ? "difference" : "differences"}`);
  return html`${found}<span class="sub">${ago(checkedAt, now)}</span>`;
}

function attention(environments: readonly ListedEnvironment[]) {
  const wanted = environments.flatMap(({ name, promotion, lastVerifiedBackup, drift }) => {
    const link = (text: string) => html`<a href="/console/promotions/${promotion?.id ?? ""}">${text}</a>`;
    return [
      ...(promotion?.status === "waiting"
        ? [html`<strong>${name}</strong> waits for an approval: ${link("read what was rehearsed")}`]
        : []),
      ...(promotion?.status === "held"
        ? [html`<strong>${name}</strong> is held, and wants an operator: ${link("see why")}`]
        : []),
      ...(drift !== null && drift.count > 0 && !drift.overtaken
        ? [html`<strong>${name}</strong> has drifted: <a href="/console/environments/${name}">see how</a>`]
        : []),
      ...(lastVerifiedBackup === null
        ? [
            html`<strong>${name}</strong> has no verified backup: <a href="/console/environments/${name}#backups">take one</a>`,
          ]
        : []),
    ];
  });
  if (wanted.length === 0) return "";
  return html`<section class="notice wait" aria-labelledby="attention">${icon("warn")}<div><h2 id="attention">Wants a person</h2><ul>${wanted.map((line) => html`<li>${line}</li>`)}</ul></div></section>`;
}

/** Where nothing is registered yet: the commands, as they are typed. */
function beginning() {
  return html`<section class="card" aria-labelledby="begin"><header><h2 id="begin">Nothing is registered yet</h2></header><div class="body">
<p class="lead">An environment is a Postgres database that releases are promoted to. In a terminal, in the folder of your project:</p>
<ol class="steps">
<li>Begin a project, where there is none: <pre>rehearsal init</pre></li>
<li>Register a database; it stays as it is: <pre>rehearsal env add prod --role prod --url -</pre> Then paste <code>postgresql://USER:PASSWORD@HOST/DATABASE</code>, which so stands in no history.</li>
<li>Promote what is under <code>migrations/</code>: it is backed up, tried on a restored copy, and shown here before it runs: <pre>rehearsal promote prod --watch</pre></li>
</ol></div></section>`;
}
