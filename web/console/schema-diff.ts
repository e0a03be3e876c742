/** The schema before and after, side by side, each line with its word: colour only repeats it. */
import { html } from "hono/html";
import type { SchemaChange, SchemaChanges, SchemaLine } from "../../core/schema-changes.ts";
import type { Html } from "./form.ts";

const LINES = 6;

const WORDS = { added: "added", removed: "removed", changed: "changed" } as const;

/** A table for each object that differs; nothing differs where there is none. */
export function schemaDiff({ changes, more }: SchemaChanges): Html {
  if (changes.length === 0) return html`<p>The schema stays what it is.</p>`;
  return html`<p class="soft">${summaryOf(changes)}</p>
<div class="diff" role="table" aria-label="The schema before and after">
<div role="rowgroup" class="diff-head"><div role="row"><span role="columnheader">What</span><span role="columnheader">Before</span><span role="columnheader">After</span></div></div>
${changes.map(changeRows)}
</div>
${more > 0 ? html`<p class="soft">and ${more} more objects</p>` : ""}`;
}

function changeRows({ address, kind, lines, more }: SchemaChange) {
  return html`<div role="rowgroup" class="diff-object">
<div role="row" class="diff-name"><span role="rowheader" aria-colspan="3"><span class="word ${kind}">${WORDS[kind]}</span> <code>${address}</code></span></div>
${lines.map(lineRow)}
${more > 0 ? html`<div role="row"><span role="cell" aria-colspan="3" class="soft">and ${more} more lines</span></div>` : ""}</div>`;
}

function lineRow({ part, before, after }: SchemaLine) {
  const kind = before === null ? "added" : after === null ? "removed" : "changed";
  return html`<div role="row" class="diff-line"><span role="rowheader">${part} <span class="word ${kind}">${WORDS[kind]}</span></span>${side(before, "old", "Before")}${side(after, "new", "After")}</div>
`;
}

function side(text: string | null, name: string, label: string) {
  if (text === null)
    return html`<span role="cell" class="side none" data-label="${label}"><span class="soft">–</span></span>`;
  return html`<span role="cell" class="side ${name}" data-label="${label}">${long(text)}</span>`;
}

/** A definition of many lines is opened by whoever wants to read it. */
function long(text: string) {
  const [first = "", ...others] = text.trim().split("\n");
  if (others.length < LINES) return html`<code>${text}</code>`;
  return html`<details><summary><code>${first}</code> and ${others.length} lines more</summary><code>${others.join("\n")}</code></details>`;
}

function summaryOf(changes: readonly SchemaChange[]): string {
  return (["added", "removed", "changed"] as const)
    .map((kind) => ({ kind, count: changes.filter((change) => change.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${count === 1 ? "object" : "objects"} ${WORDS[kind]}`)
    .join(", ");
}
