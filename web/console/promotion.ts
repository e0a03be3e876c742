/** A promotion's page: where it stands, why, what can be done, and everything that its decisions rest on. */
import { html } from "hono/html";
import type { PlanBrief } from "../../core/data-plan.ts";
import { duration } from "../../core/report-words.ts";
import { type Chapter, type Course, tellRunbook } from "../../core/runbook.ts";
import { isEnded, type Status } from "../../core/steps.ts";
import { type Refusal, refusalBox } from "./alert.ts";
import { promotionBadge, roleBadge } from "./badge.ts";
import { type Actions, decisionSection } from "./decision.ts";
import type { Html } from "./form.ts";
import { type ArtifactLine, artifactsSection, logSection, type PromotionLog } from "./promotion-log.ts";
import { type Rehearsed, rehearsalSection } from "./rehearsal.ts";
import { runbookSection, TITLE } from "./runbook.ts";
import { factList } from "./table.ts";
import { short, when } from "./words.ts";

export interface PromotionView {
  id: string;
  environment: string;
  role: string;
  release: string;
  requestedBy: string;
  createdAt: Date;
  endedAt: Date | null;
  evidence: string | null;
  asked: "cancel" | "roll-back" | null;
  /** Why it did not end well. */
  error: Refusal | null;
  plans: readonly PlanBrief[];
  course: Course;
  rehearsed?: Rehearsed | undefined;
  /** Names what `rehearsed` shows: whoever has that need not be sent it again. */
  rehearsedAs: string;
  log: PromotionLog;
  artifacts: readonly ArtifactLine[];
  moreArtifacts: boolean;
  actions: Actions;
  csrf: string;
  now: Date;
  /** Changes when anything on the page does. */
  version: string;
  /** A form that was refused, and what was typed in it. */
  refusal?: Refusal | undefined;
  typed?: { comment?: string; confirm?: string };
}

/** Everything in <main>. The script keeps what is inside `#promotion` as it is at the service. */
export function promotionMain(view: PromotionView): Html {
  return html`${promotionParts(view)}
<p id="away" class="notice wait" hidden></p>
<p id="said" class="unseen" role="status" aria-live="polite"></p>`;
}

/** The part of the page that changes. `known`: the report that whoever asks shows already, which is left out. */
export function promotionParts(view: PromotionView, known?: string): Html {
  const { id, environment, role, course, actions, version } = view;
  const chapters = tellRunbook(course);
  const { status } = course;
  return html`<div id="promotion" class="promotion" data-live="/console/promotions/${id}/live" data-version="${version}" data-says="${says(environment, status, chapters)}" data-title="${titleOf(environment, status)}"${isOver(status) ? html` data-over` : ""}>
<p class="trail"><a href="/console/promotions">Promotions</a> / <a href="/console/environments/${environment}">${environment}</a></p>
<div class="head"><h1>Promotion of ${environment}</h1>${roleBadge(role)}${promotionBadge(status)}</div>
${jumps(view, known)}
${refusalBox(view.refusal)}
${ending(view)}
<section class="card" id="facts" aria-label="About this promotion"><div class="body">${factList([
    ["Promotion", html`<code>${id}</code>`],
    ["Environment", html`<a href="/console/environments/${environment}">${environment}</a>`],
    ["Release", short(view.release)],
    ["Asked for by", view.requestedBy],
    ["Began (UTC)", when(view.createdAt)],
    ["Ended (UTC)", view.endedAt === null ? undefined : when(view.endedAt)],
    ["Took", view.endedAt === null ? undefined : duration(view.endedAt.getTime() - view.createdAt.getTime())],
    ["Files", course.pending === null ? undefined : pendingFiles(course.pending)],
  ])}</div></section>
${decisionSection({ ...view, verdict: course.verdict, actions })}
${runbookSection(chapters, view.now)}
${rehearsal(view, known)}
${evidenceSection(view)}
${logSection(view.log)}
${artifactsSection(id, view.artifacts, view.moreArtifacts)}
</div>`;
}

/** The window's title, in which somebody sees among many how it stands. */
export function titleOf(environment: string, status: Status): string {
  return `${status}: promotion of ${environment}`;
}

/** The parts of a long page. */
function jumps({ rehearsed, rehearsedAs, evidence }: PromotionView, known: string | undefined) {
  const parts = [
    ["runbook", "Runbook"],
    ...(rehearsed !== undefined || known === rehearsedAs ? [["rehearsal", "The rehearsal"]] : []),
    ...(evidence === null ? [] : [["evidence", "Evidence"]]),
    ["log", "Log"],
    ["artifacts", "Artifacts"],
  ];
  return html`<nav class="jump" aria-label="On this page"><ul>${parts.map(([to, label]) => html`<li><a href="#${to}">${label}</a></li>`)}</ul></nav>`;
}

/** True when nothing changes any more by itself: of one that is held somebody will ask for a rollback. */
function isOver(status: Status): boolean {
  return isEnded(status) && status !== "held";
}

/** What those hear who do not see the page, when it changes. */
function says(environment: string, status: Status, chapters: readonly Chapter[]): string {
  const under = chapters.find(({ standing }) => standing === "running");
  const words: Record<Status, string> = {
    created: "is starting",
    running: under === undefined ? "is running" : `is at the step ${TITLE[under.step]}`,
    waiting: "waits for an approval",
    promoted: "has ended: promoted",
    "nothing-to-do": "has ended: there was nothing to do",
    rehearsed: "has ended: it was rehearsed, which was all that was asked for",
    refused: "has ended: refused, production is as it was",
    "rolled-back": "has ended: rolled back, production holds what it held before",
    held: "is held, an operator has to look",
  };
  return `The promotion of ${environment} ${words[status]}.`;
}

const ENDS: Partial<Record<Status, string>> = {
  refused: "Refused; production is as it was.",
  "rolled-back": "Rolled back; production holds what it held before.",
  held: "Held: writers stay out, and nothing was deleted, until an operator has looked.",
};

function ending({ error, course }: PromotionView) {
  if (error === null) return "";
  const fact = ENDS[course.status];
  return html`<div id="why">${fact === undefined ? "" : html`<p class="lead">${fact}</p>`}${refusalBox(error)}</div>`;
}

const FILES = 12;

function pendingFiles(pending: readonly string[]): Html {
  if (pending.length === 0) return html`nothing`;
  const list = (paths: readonly string[]) =>
    html`<ul class="paths">${paths.map((path) => html`<li><code>${breakable(path)}</code></li>`)}</ul>`;
  if (pending.length <= 3) return list(pending);
  return html`<details id="pending"><summary>${pending.length} files</summary>${list(pending.slice(0, 20 * FILES))}${
    pending.length > 20 * FILES ? html`<p class="soft">and ${pending.length - 20 * FILES} more</p>` : ""
  }</details>`;
}

/** A path that is broken at its slashes, where it has to be. */
function breakable(path: string): Html {
  return html`${path.split("/").map((part, at) => (at === 0 ? part : html`/<wbr>${part}`))}`;
}

function rehearsal({ rehearsed, rehearsedAs, error }: PromotionView, known: string | undefined) {
  // The script keeps what it has where the same is meant.
  if (known !== undefined && known === rehearsedAs)
    return html`<div id="report" data-report="${rehearsedAs}" data-same></div>`;
  if (rehearsed === undefined) return "";
  return html`<div id="report" data-report="${rehearsedAs}">${rehearsalSection(rehearsed, error)}</div>`;
}

function evidenceSection({ evidence, plans, release }: PromotionView) {
  if (evidence === null) return "";
  return html`<section class="card" id="evidence" aria-labelledby="evidence-title">
<header><h2 id="evidence-title">Evidence</h2></header>
<div class="body"><p><code class="digest">${evidence}</code></p>
<p class="soft">One digest over the release, production's shape, the rehearsal's report, what it expects of production${plans.length > 0 ? ", and the data plans" : ""}. An approval is for this and nothing else: when any of it changes, it is void.</p>
${factList([
  ["Release", html`<code class="digest">${release}</code>`],
  ...plans.map(({ path, sha256 }): [string, Html] => [path, html`<code class="digest">${sha256}</code>`]),
])}</div></section>`;
}
