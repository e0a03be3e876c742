/** The inventory: what an environment's release declares that it holds, searched, and with sizes when it was asked what is there. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import type { HeldTable, Holdings } from "../../core/holdings.ts";
import { type Inventory, type InventoryTable, placeIn } from "../../core/inventory.ts";
import type { InventoryCheck } from "../../core/inventory-check.ts";
import { tableKey } from "../../core/inventory-names.ts";
import { quoteQualified } from "../../core/names.ts";
import { bytes } from "../../core/report-words.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { badge, roleBadge } from "./badge.ts";
import { type Html, textField } from "./form.ts";
import { icon } from "./icon.ts";
import { table } from "./table.ts";
import { short } from "./words.ts";

interface InventoriesView {
  environments: readonly { name: string; role: string; release: string | null }[];
}

/** Which environments there are to look into. */
export function inventoriesView({ environments }: InventoriesView): Html {
  return html`<h1>Inventory</h1>
<p class="lead">What a project says of the data it holds, in <code>inventory.yaml</code> of the release that an environment runs.</p>
<section class="card" aria-label="Environments">${table({
    caption: "Environments",
    columns: [{ label: "Environment" }, { label: "Release" }],
    rows: environments.map(({ name, role, release }) => [
      html`<a href="/console/inventory/${name}">${name}</a> ${roleBadge(role)}`,
      short(release),
    ]),
    empty: "There is none.",
  })}</section>`;
}

interface InventoryView {
  environment: { name: string; role: string };
  release: string | null;
  /** Undefined where nothing is promoted yet, or the release has none. */
  inventory?: Inventory | undefined;
  search: string;
  /** What is there, where that was asked for, and how it departs from what is declared. */
  held?: { holdings: Holdings; check: InventoryCheck } | undefined;
  refusal?: Refusal | undefined;
}

export function inventoryView(view: InventoryView): Html {
  const { environment, release, inventory, held } = view;
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console/inventory">Inventory</a></p>
<div class="head"><h1>Inventory of ${name}</h1>${roleBadge(role)}</div>
${refusalBox(view.refusal)}
${inventory === undefined ? nothingDeclared(name, release) : declared({ ...view, inventory })}
${held === undefined ? "" : departures(held.check, name)}`;
}

function nothingDeclared(name: string, release: string | null) {
  return html`<p class="lead">${release === null ? "No release was promoted here yet, so nothing is declared." : "The release here declares nothing."}</p>
<p>Draft one from what the database holds: <code>rehearsal inventory init ${name}</code></p>`;
}

function declared(view: InventoryView & { inventory: Inventory }) {
  const { environment, inventory, search, held } = view;
  const tables = (inventory.tables ?? []).filter((one) => matches(one, search));
  const sizes = new Map(held?.holdings.tables.map((one) => [quoteQualified(one.schema, one.name), one]));
  return html`<form class="row" method="get" action="/console/inventory/${environment.name}" role="search">
${textField({ name: "q", label: "Search tables, columns, owners and purposes", type: "search", value: search, maxLength: 100 })}
<div class="field check"><input id="sizes" name="sizes" type="checkbox" value="now"${held === undefined ? "" : html` checked`}><label for="sizes">with sizes, read now</label></div>
<button class="button" type="submit">Search</button></form>
<section class="card" aria-labelledby="tables"><header><h2 id="tables">Tables</h2><p class="more soft">${number(tables.length)} of ${number(inventory.tables?.length ?? 0)}</p></header>
${table({
  caption: "Declared tables",
  columns: [
    { label: "Table" },
    { label: "Holds" },
    { label: "Owner" },
    { label: "Classification" },
    ...(held === undefined
      ? []
      : [
          { label: "Rows", kind: "number" as const },
          { label: "Size", kind: "number" as const },
        ]),
    { label: "Columns" },
  ],
  rows: tables.map((one) => [
    html`<code>${tableKey(one)}</code>`,
    html`${one.purpose}${one.notesOnChange === undefined ? "" : html`<span class="sub">Whoever changes it: ${one.notesOnChange}</span>`}`,
    one.owner,
    classified(inventory, one.classification),
    ...(held === undefined ? [] : sizesOf(sizes.get(quoteQualified(one.schema, one.name)))),
    columnsOf(inventory, one, search),
  ]),
  empty: inventory.tables === undefined ? "inventory.yaml says nothing of tables." : "None of them matches.",
})}</section>
${storageSection(inventory, held?.holdings)}${configurationSection(inventory, environment)}`;
}

function matches(one: InventoryTable, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  if (wanted === "") return true;
  const said = [one.key, one.purpose, one.owner, one.classification, one.notesOnChange ?? ""];
  return [...said, ...columnTexts(one)].some((text) => text.toLowerCase().includes(wanted));
}

const columnTexts = ({ columns }: InventoryTable) =>
  columns.flatMap(({ name, classification, note }) => [name, classification, note ?? ""]);

/** Folded, unless what was searched for is among them. */
function columnsOf(inventory: Inventory, one: InventoryTable, search: string) {
  if (one.columns.length === 0) return "–";
  const wanted = search.trim().toLowerCase();
  const open = wanted !== "" && columnTexts(one).some((text) => text.toLowerCase().includes(wanted));
  return html`<details${open ? html` open` : ""}><summary>${number(one.columns.length)}</summary><ul>${one.columns.map(
    ({ name, classification, encrypted, json, note }) =>
      html`<li><code>${name}</code> ${classified(inventory, classification)}${encrypted === undefined ? "" : html` <span class="soft">encrypted${encrypted === true ? "" : `: ${encrypted}`}</span>`}${json ? html` <span class="soft">JSON</span>` : ""}${note === undefined ? "" : html`<span class="sub">${note}</span>`}</li>`,
  )}</ul></details>`;
}

function classified(inventory: Inventory, classification: InventoryTable["classification"]) {
  return inventory.protected.has(classification) ? badge("wait", "lock", classification) : classification;
}

function sizesOf(held: HeldTable | undefined) {
  if (held === undefined) return [badge("bad", "warn", "not there"), "–"];
  return [`${held.exact ? "" : "about "}${number(held.rows)}`, bytes(held.bytes)];
}

function storageSection({ storage }: Inventory, holdings: Holdings | undefined) {
  if (storage.length === 0) return "";
  const held = new Map(holdings?.storage?.prefixes.map((one) => [one.prefix, one]));
  return html`<section class="card" aria-labelledby="storage"><header><h2 id="storage">Objects</h2></header>${table(
    {
      caption: "Declared prefixes",
      columns: [
        { label: "Prefix" },
        { label: "Holds" },
        { label: "Kept" },
        ...(holdings === undefined
          ? []
          : [
              { label: "Objects", kind: "number" as const },
              { label: "Size", kind: "number" as const },
            ]),
      ],
      rows: storage.map(({ prefix, purpose, keep, note }) => {
        const found = held.get(prefix);
        return [
          html`<code>${prefix}</code>`,
          [purpose, note].filter(Boolean).join("; ") || "–",
          keep ?? "–",
          ...(holdings === undefined
            ? []
            : [
                found === undefined ? "–" : number(found.objects),
                found === undefined ? "–" : bytes(found.bytes),
              ]),
        ];
      }),
    },
  )}</section>`;
}

function configurationSection(
  { configuration = [] }: Inventory,
  environment: { name: string; role: string },
) {
  if (configuration.length === 0) return "";
  return html`<section class="card" aria-labelledby="configuration"><header><h2 id="configuration">Configuration</h2></header>${table(
    {
      caption: "Declared configuration",
      columns: [{ label: "Item" }, { label: "What it is" }, { label: "Captured from" }],
      rows: configuration.map(({ name, capture, recorded, purpose, note }) => [
        name,
        [purpose, note].filter(Boolean).join("; ") || "–",
        capture === "manual"
          ? `by hand; the copy lies at ${recorded ?? ""}`
          : html`<code>${placeIn(capture, environment)}</code>`,
      ]),
    },
  )}</section>`;
}

function departures({ problems, remarks }: InventoryCheck, name: string) {
  const said =
    remarks.length === 0
      ? ""
      : html`<ul class="soft">${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>`;
  if (problems.length === 0) return html`${noticeBox("What is declared is what is there.")}${said}`;
  return html`<section class="notice wait" aria-labelledby="departures">${icon("warn")}<div><h2 id="departures">${problems.length} ${problems.length === 1 ? "thing departs" : "things depart"} from what is there</h2>
<ul>${problems.map(({ says }) => html`<li>${says}</li>`)}</ul>
<p>The lines to change: <code>rehearsal inventory check ${name}</code></p>${said}</div></section>`;
}
