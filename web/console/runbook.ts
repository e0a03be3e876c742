/** The runbook as a list of its steps: done, under way with how far it is, and to come. */
import { html } from "hono/html";
import { hintParts } from "../../core/report-hint.ts";
import { duration } from "../../core/report-words.ts";
import {
  type Chapter,
  PURPOSE,
  progressWords,
  type Standing,
  type StepAttempt,
  shareDone,
} from "../../core/runbook.ts";
import type { Step } from "../../core/steps.ts";
import type { Tone } from "./badge.ts";
import type { Html } from "./form.ts";
import { icon, type Shape } from "./icon.ts";
import { when } from "./words.ts";

const STANDINGS: Record<Standing, [Tone, Shape, string]> = {
  "to-come": ["still", "dash", "to come"],
  running: ["busy", "play", "running"],
  waiting: ["wait", "pause", "waiting for a person"],
  done: ["good", "check", "done"],
  failed: ["bad", "cross", "failed"],
  "passed-over": ["still", "dash", "not needed"],
  "not-reached": ["still", "dash", "not reached"],
};

/** The steps' names as headings. */
export const TITLE: Record<Step, string> = {
  admit: "Admit",
  snapshot: "Snapshot",
  "back-up": "Back up",
  restore: "Restore",
  rehearse: "Rehearse",
  decide: "Decide",
  fence: "Fence",
  migrate: "Migrate",
  verify: "Verify",
  open: "Open",
  "put-away": "Put away",
  refuse: "Refuse",
  "roll-back": "Roll back",
  hold: "Hold",
};

/** More attempts than these nobody reads one by one. */
const ATTEMPTS = 50;

export function runbookSection(chapters: readonly Chapter[], now: Date): Html {
  return html`<section class="card" id="runbook" aria-labelledby="runbook-title">
<header><h2 id="runbook-title">Runbook</h2></header>
<ol class="runbook">${chapters.map((chapter) => chapterItem(chapter, now))}</ol></section>`;
}

function chapterItem({ step, standing, attempts, last, says }: Chapter, now: Date) {
  const [tone, shape, word] = STANDINGS[standing];
  return html`<li class="chapter ${tone}" id="step-${step}"${standing === "running" ? html` aria-current="step"` : ""}>
<span class="mark-of">${icon(shape)}</span>
<div class="told"><h3>${TITLE[step]} <span class="standing ${tone}">${word}</span>${last === undefined ? "" : took(last, standing, now)}</h3>
${standing === "to-come" || standing === "running" ? html`<p class="soft">${PURPOSE[step]}</p>` : ""}
${says.map((sentence) => html`<p>${sentence}</p>`)}
${standing === "running" && last !== undefined ? progress(step, last) : ""}
${standing === "failed" && last !== undefined ? failure(last) : ""}
${wentAtOnce(attempts) ? "" : attemptList(step, attempts, now)}</div></li>
`;
}

/** When it began and how long it took; a script makes the figure of a running step go on between two looks at the service. */
function took({ startedAt, endedAt }: StepAttempt, standing: Standing, now: Date) {
  const until = endedAt ?? now;
  const words = duration(Math.max(0, until.getTime() - startedAt.getTime()));
  const began = html`<time class="began" datetime="${startedAt.toISOString()}">${startedAt.toISOString().slice(11, 19)}</time>`;
  // The function that asks is long done, and whoever is asked takes their time.
  if (standing === "waiting") return html` ${began} <span class="took"></span>`;
  return endedAt === null
    ? html` ${began} <span class="took" data-since="${startedAt.toISOString()}" data-now="${now.toISOString()}">${words}</span>`
    : html` ${began} <span class="took">${words}</span>`;
}

function progress(step: Step, { progress: far }: StepAttempt) {
  if (far === null) return "";
  const share = shareDone(far);
  const percent = share === undefined ? undefined : Math.floor(share * 100);
  return html`<div class="progress"><progress id="progress-${step}" aria-label="${TITLE[step]}" max="100"${percent === undefined ? "" : html` value="${percent}"`}></progress>
<p>${percent === undefined ? "" : html`<strong>${percent} %</strong> · `}${progressWords(far)}</p></div>`;
}

function failure({ error }: StepAttempt) {
  if (error === null) return "";
  return html`<p class="failure">${error.message} <code>${error.code}</code></p>`;
}

/** Of one attempt that is under way or went well, everything is told already. */
function wentAtOnce(attempts: readonly StepAttempt[]): boolean {
  return attempts.length < 2 && attempts.every(({ error }) => error === null);
}

function attemptList(step: Step, attempts: readonly StepAttempt[], now: Date) {
  const shown = attempts.slice(-ATTEMPTS);
  return html`<details id="attempts-${step}"><summary>${attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`}</summary>
${shown.length < attempts.length ? html`<p class="soft">the last ${shown.length} of them</p>` : ""}
<ol class="attempts" start="${attempts.length - shown.length + 1}">${shown.map((one) => attemptItem(one, now))}</ol></details>`;
}

const ENDS: Record<StepAttempt["status"], string> = {
  running: "is running",
  succeeded: "succeeded",
  failed: "failed",
  yielded: "stopped in time, with work left for the next",
};

function attemptItem(attempt: StepAttempt, now: Date) {
  const { status, startedAt, endedAt, error, progress: far } = attempt;
  const hint = error === null ? undefined : hintParts(error.hint);
  return html`<li>Began ${when(startedAt)} UTC, ${ENDS[status]} ${endedAt === null ? "for" : "after"} ${duration(Math.max(0, (endedAt ?? now).getTime() - startedAt.getTime()))}${
    far === null || progressWords(far) === "" ? "" : html`, came to ${progressWords(far)}`
  }.${
    error === null || hint === undefined
      ? ""
      : html`<br>${error.message} <code>${error.code}</code><br><span class="soft">${hint.sentence}</span>${hint.lines === "" ? "" : html`<pre>${hint.lines}</pre>`}`
  }</li>`;
}
