/** The promotion log: its newest entries first, and its chain proved on request. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { filterForm, type Narrowed, narrowedPager } from "./filter.ts";
import { type Html, postForm } from "./form.ts";
import { factList, table } from "./table.ts";
import { when } from "./words.ts";

interface LoggedEvent {
  seq: number;
  at: string;
  type: string;
  environment: string | null;
  promotion: string | null;
  data: unknown;
  hash: string;
}

export interface LogView extends Narrowed {
  events: readonly LoggedEvent[];
  /** Whether this person may have the whole chain proved. */
  mayProve: boolean;
  proof?:
    | { events: number; head: string; copies: number; broken?: { seq: number; reason: string } }
    | undefined;
  csrf: string;
  refusal?: Refusal | undefined;
}

export function logView(view: LogView): Html {
  const { events, mayProve, proof, csrf } = view;
  return html`<div class="head"><h1>Log</h1>${mayProve ? html`<div class="acts">${postForm({ action: "/console/log/prove", csrf, button: "Prove the chain" })}</div>` : ""}</div>
<p class="lead">Every entry carries the hash of the one before it, and a copy of each lies in the bucket: what was written once cannot be changed unseen.</p>
${refusalBox(view.refusal)}${proof === undefined ? "" : proofBox(proof)}
${filterForm("/console/log", view)}
<section class="card" aria-label="Entries">${table({
    caption: "Entries, the newest first",
    columns: [
      { label: "Number", kind: "number" },
      { label: "When, UTC" },
      { label: "What" },
      { label: "Environment" },
      { label: "Promotion" },
      { label: "Told" },
    ],
    rows: events.map((event) => [
      String(event.seq),
      when(event.at),
      html`<code class="short">${event.type}</code>`,
      event.environment === null
        ? "–"
        : html`<a href="/console/environments/${event.environment}">${event.environment}</a>`,
      event.promotion === null
        ? "–"
        : html`<a href="/console/promotions/${event.promotion}"><code>${event.promotion}</code></a>`,
      toldOf(event),
    ]),
    empty: "There is none.",
  })}
${narrowedPager("/console/log", "entries", view)}</section>`;
}

/** The short values of an entry in a line, and all of it behind that. */
function toldOf({ data, hash }: LoggedEvent) {
  const pairs = typeof data === "object" && data !== null ? Object.entries(data) : [];
  const line = pairs
    .filter(([, value]) => isShort(value))
    .slice(0, 3)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  return html`<details><summary>${line || "all of it"}</summary><pre>${JSON.stringify(data, null, 2)}</pre>
<p class="hint">Hash <code>${hash}</code></p></details>`;
}

/** A word, a name, a whole number: neither hashes nor instants nor fractions. */
function isShort(value: unknown): boolean {
  if (typeof value === "string")
    return value !== "" && value.length <= 60 && !/^[0-9a-f]{64}$|^\d{4}-\d\d-/.test(value);
  return value === true || Number.isInteger(value);
}

function proofBox({ events, head, copies, broken }: NonNullable<LogView["proof"]>) {
  if (broken !== undefined)
    return refusalBox({
      code: "LogBroken",
      message: `the chain does not hold at entry ${broken.seq}: ${broken.reason}`,
      hint: "keep everything as it is, and follow the runbook: the log or its copy was changed behind the service's back",
    });
  return html`${noticeBox("The chain holds, and so do its copies in the bucket.")}
<section class="card" aria-label="Proof"><div class="body">${factList([
    ["Entries proved", number(events)],
    ["Copies compared", number(copies)],
    ["The newest hash", html`<code>${head}</code>`],
  ])}</div></section>`;
}
