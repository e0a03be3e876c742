/** What is told at the top of a page: a refusal with its mend, or what a form has done. */
import { html } from "hono/html";
import { hintParts } from "../../core/report-hint.ts";
import type { Html } from "./form.ts";
import { icon } from "./icon.ts";

/** An error of the catalogue, as a page shows it. */
export interface Refusal {
  code: string;
  message: string;
  hint: string;
}

/** Said at once to those who hear the page. Nothing when there is none. */
export function refusalBox(refusal: Refusal | undefined): Html | "" {
  if (refusal === undefined) return "";
  const { sentence, lines } = hintParts(refusal.hint);
  return html`<div class="notice bad" role="alert">${icon("warn")}<div>
<p><strong>${sentenceOf(refusal.message)}</strong></p>
<p>${sentenceOf(sentence)}</p>${lines === "" ? "" : html`<pre>${lines}</pre>`}
<p class="code">${refusal.code}</p></div></div>`;
}

/** What a form has done, or what there is to know. */
export function noticeBox(text: Html | string | undefined, tone: "good" | "wait" = "good"): Html | "" {
  if (text === undefined || text === "") return "";
  return html`<div class="notice ${tone}" role="status">${icon(tone === "good" ? "check" : "clock")}<div><p>${text}</p></div></div>`;
}

/** Messages of the catalogue begin in lower case and have no full stop; a path at the beginning stays what it is. */
function sentenceOf(text: string): string {
  if (text === "") return "";
  const first = /^\w+[./]\w/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:)]$/.test(first) ? first : `${first}.`;
}
