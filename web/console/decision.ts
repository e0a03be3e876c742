/** What this person can do about a promotion now, and why what others can do is not theirs to do. */
import { html } from "hono/html";
import type { PlanBrief } from "../../core/data-plan.ts";
import type { Verdict } from "../../core/runbook.ts";
import { checkField, csrfField, type Html, postForm, textField } from "./form.ts";
import { icon } from "./icon.ts";
import { when } from "./words.ts";

/** Which actions are possible, and allowed for whoever looks. */
export interface Actions {
  approve: boolean;
  reject: boolean;
  cancel: boolean;
  /** `confirm`: the environment's name has to be typed. `loss`: writes made since may be left behind. */
  rollBack?: { confirm: boolean; loss: boolean };
  /** Sentences: why something that could be done now is not for this person. */
  reasons: string[];
}

interface Question {
  id: string;
  environment: string;
  evidence: string | null;
  verdict: Verdict | null;
  plans: readonly PlanBrief[];
  asked: "cancel" | "roll-back" | null;
  actions: Actions;
  csrf: string;
  /** What was typed in a form that was refused. */
  typed?: { comment?: string; confirm?: string };
}

const NOTES = 30;

/** Nothing where nothing can be done by anybody. */
export function decisionSection(question: Question): Html | "" {
  const { actions, asked } = question;
  const { approve, reject, cancel, rollBack, reasons } = actions;
  const decides = approve || reject;
  const waits = question.verdict?.status === "waiting";
  if (!decides && !cancel && rollBack === undefined && reasons.length === 0 && asked === null) return "";
  return html`<section class="card decision" id="decision" aria-labelledby="decision-title">
<header><h2 id="decision-title">${decides ? "Your decision" : waits ? "A decision is waited for" : "What can be done"}</h2>${deadline(question)}</header>
<div class="body">
${asked === null ? "" : html`<p>${asked === "cancel" ? "A cancellation" : "A rollback"} was asked for; the next step heeds it.</p>`}
${waits ? operationalNotes(question.plans) : ""}
${reasons.map((reason) => html`<p class="why-not">${icon("lock")} <span>${reason}</span></p>`)}
${decides ? decideForm(question) : ""}
${cancel ? cancelForm(question) : ""}
${rollBack === undefined ? "" : rollBackForm(question, rollBack)}
</div></section>`;
}

function deadline({ verdict }: Question) {
  return verdict?.status === "waiting"
    ? html`<p class="more soft">until ${when(verdict.expiresAt)} UTC</p>`
    : "";
}

/** What whoever says yes will hear of afterwards. */
function operationalNotes(plans: readonly PlanBrief[]) {
  const notes = plans.flatMap(({ path, notes: lines }) => lines.map((line) => ({ path, line })));
  if (notes.length === 0) return "";
  return html`<div><h3>What will be noticed, by the data plans</h3><ul>${notes
    .slice(0, NOTES)
    .map(({ path, line }) => html`<li>${line} <span class="soft">(${path})</span></li>`)}</ul>${
    notes.length > NOTES ? html`<p class="soft">and ${notes.length - NOTES} more, in the report</p>` : ""
  }</div>`;
}

/** One comment and two buttons; the form carries the evidence that this page shows, so that nothing else is approved. */
function decideForm({ id, evidence, csrf, typed, actions: { approve, reject } }: Question) {
  const to = (verdict: string) => `/console/promotions/${id}/${verdict}`;
  return html`<form class="stacked" id="decide-form" method="post" action="${to(approve ? "approve" : "reject")}">${csrfField(csrf)}
<input type="hidden" name="evidence" value="${evidence ?? ""}">
<div class="field"><label for="comment">Comment</label>
<textarea id="comment" name="comment" maxlength="2000" rows="3" aria-describedby="comment-hint">${typed?.comment ?? ""}</textarea>
<p class="hint" id="comment-hint">It stands in the log, with your name. You decide about evidence <code>${(evidence ?? "").slice(0, 12)}</code> and about nothing else.</p></div>
<div class="acts">${approve ? html`<button class="button main" type="submit">Approve</button>` : ""}
${reject ? html`<button class="button danger" type="submit" formaction="${to("reject")}">Reject</button>` : ""}</div></form>`;
}

function cancelForm({ id, environment, csrf }: Question) {
  return html`<div class="ending"><h3>Cancel</h3><p class="soft">${environment} has not been touched; it stays as it is.</p>
${postForm({ action: `/console/promotions/${id}/cancel`, csrf, button: "Cancel the promotion", tone: "danger" })}</div>`;
}

function rollBackForm({ id, environment, csrf, typed }: Question, how: NonNullable<Actions["rollBack"]>) {
  const confirm = how.confirm
    ? textField({
        name: "confirm",
        label: `Type ${environment} to confirm`,
        hint: "It is production: its name is asked for, so that no other is taken back by mistake.",
        required: true,
        autocomplete: "off",
        maxLength: 40,
        ...(typed?.confirm !== undefined && { value: typed.confirm }),
      })
    : "";
  const loss = how.loss
    ? checkField({
        name: "acceptLoss",
        label: "Go back even though later writes stay behind",
        hint: "They stay in the database that is kept beside it, and nowhere else.",
      })
    : "";
  return html`<div class="ending"><h3>Roll back</h3><p class="soft">The copy from before the release becomes ${environment} again.</p>
${postForm({ action: `/console/promotions/${id}/rollback`, csrf, button: "Roll back", tone: "danger", fields: html`${confirm}${loss}` })}</div>`;
}
