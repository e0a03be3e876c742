/** Tables that become lists where the window is narrow: then each cell names its column. */
import { html } from "hono/html";
import type { Html } from "./form.ts";

interface Column {
  label: string;
  /** `number`: to the right, digits under digits; `act`: buttons, whose label is not shown. */
  kind?: "text" | "number" | "act";
}

type Cell = Html | string | number;

/**
 * A table with its caption, which is heard and not seen; the first cell of a row is its head. Roles are said outright, for
 * browsers forget them where a table is shown as a list. With no rows `empty` stands in its place.
 */
export function table(of: {
  caption: string;
  columns: readonly Column[];
  rows: readonly (readonly Cell[])[];
  empty?: Html | string;
}): Html {
  const { caption, columns, rows, empty } = of;
  if (rows.length === 0 && empty !== undefined) return html`<p class="empty">${empty}</p>`;
  return html`<table class="list" role="table"><caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(
    ({ label, kind = "text" }) =>
      html`<th role="columnheader" scope="col" class="${kind}">${kind === "act" ? html`<span class="unseen">${label}</span>` : label}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => html`<tr role="row">${row.map((cell, at) => cellOf(columns[at], cell, at === 0))}</tr>`)}</tbody></table>`;
}

function cellOf(column: Column | undefined, cell: Cell, isHead: boolean) {
  const { label = "", kind = "text" } = column ?? {};
  // What stands in a cell is one thing, so that a list can put its column's name beside it.
  const inside = html`<div class="value">${cell}</div>`;
  return isHead
    ? html`<th role="rowheader" scope="row" class="${kind}">${inside}</th>`
    : html`<td role="cell" class="${kind}" data-label="${kind === "act" ? "" : label}">${inside}</td>`;
}

/** Names and values beside one another. */
export function factList(facts: readonly (readonly [string, Cell | undefined])[]): Html {
  return html`<dl class="facts">${facts.map(([name, value]) =>
    value === undefined ? "" : html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

/** The way to older entries, and back to the newest. */
export function pager(of: {
  older?: string | undefined;
  newest?: string | undefined;
  what: string;
}): Html | "" {
  const { older, newest, what } = of;
  if (older === undefined && newest === undefined) return "";
  return html`<nav class="pager" aria-label="Pages of ${what}">
${newest === undefined ? "" : html`<a href="${newest}">Newest ${what}</a>`}
${older === undefined ? "" : html`<a rel="next" href="${older}">Older ${what}</a>`}</nav>`;
}
