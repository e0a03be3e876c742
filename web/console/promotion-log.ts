/** What the log has of one promotion, with its part of the chain proved, and what its steps wrote. */

import { html } from "hono/html";
import type { Json } from "../../core/canonical-json.ts";
import { number } from "../../core/counts.ts";
import type { BrokenLink, EventContent } from "../../core/log.ts";
import { bytes } from "../../core/report-words.ts";
import { badge } from "./badge.ts";
import type { Html } from "./form.ts";
import { icon } from "./icon.ts";
import { table } from "./table.ts";
import { when } from "./words.ts";

export interface PromotionLog {
  /** Oldest first. */
  entries: { event: EventContent; hash: string }[];
  /** True when there are more than are shown. */
  more: boolean;
  /** The part of the chain that was gone over: from the promotion's first event to its last, others' between them. */
  proved: { from: number; to: number; broken?: BrokenLink } | undefined;
}

export interface ArtifactLine {
  /** As the service names it: `rehearse/1/report.json`. */
  key: string;
  size: number;
  /** Whether whoever looks may have it: the rows of a backup are not everybody's. */
  mayRead: boolean;
}

export function logSection({ entries, more, proved }: PromotionLog): Html {
  return html`<section class="card" id="log" aria-labelledby="log-title">
<header><h2 id="log-title">Log</h2>${proved === undefined ? "" : proof(proved)}<p class="more"><a href="/console/log">The whole log, and its proof</a></p></header>
${proved === undefined ? "" : html`<p class="told-proof">${proofWords(proved)}</p>`}
${table({
  caption: "What the log has of this promotion",
  columns: [
    { label: "Event" },
    { label: "When (UTC)" },
    { label: "What" },
    { label: "Says" },
    { label: "Hash" },
  ],
  rows: entries.map(({ event, hash }) => [
    String(event.seq),
    when(event.at),
    html`<code class="short">${event.type}</code>`,
    dataWords(event.data).join("; "),
    html`<code class="short" title="${hash}">${hash.slice(0, 12)}</code>`,
  ]),
  empty: "The log has nothing of it yet.",
})}${more ? html`<p class="told-proof soft">and more, in the whole log</p>` : ""}</section>`;
}

function proof({ broken }: NonNullable<PromotionLog["proved"]>) {
  return broken === undefined
    ? badge("good", "check", "chain verified")
    : badge("bad", "cross", "chain broken");
}

function proofWords({ from, to, broken }: NonNullable<PromotionLog["proved"]>) {
  if (broken !== undefined)
    return html`${icon("warn")} Event ${broken.seq} does not hold: ${broken.reason}. Everything from there on is doubtful.`;
  return html`Events ${number(from)} to ${number(to)} were gone over just now, with what others did in between: each has the hash it carries, and names the one before it.`;
}

const HASH = /^[0-9a-f]{64}$/;

/** The scalar facts of an event by their names; what is itself made of parts is told elsewhere on the page. */
function dataWords(data: Json): string[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [];
  return Object.entries(data as Record<string, Json | undefined>).flatMap(([name, value]) => {
    if (value === "" || value === false || (name === "attempt" && value === 1)) return [];
    if (typeof value === "string") return [`${name} ${HASH.test(value) ? value.slice(0, 12) : value}`];
    if (typeof value === "number") return [`${name} ${number(value)}`];
    return value === true ? [name] : [];
  });
}

export function artifactsSection(id: string, artifacts: readonly ArtifactLine[], more: boolean): Html {
  return html`<section class="card" id="artifacts" aria-labelledby="artifacts-title">
<header><h2 id="artifacts-title">Artifacts</h2></header>
${
  artifacts.length === 0
    ? html`<p class="empty">No step has written anything yet.</p>`
    : html`<details id="artifact-list"${artifacts.length <= 12 ? html` open` : ""}><summary>${number(artifacts.length)}${more ? " and more" : ""} files; an address that is asked for is good for five minutes</summary>
<ul class="artifacts">${artifacts.map(
        ({ key, size, mayRead }) =>
          html`<li>${mayRead ? html`<a href="/console/promotions/${id}/artifacts/${key}">${key}</a>` : key} <span class="soft">${bytes(size)}</span></li>`,
      )}</ul></details>`
}</section>`;
}
