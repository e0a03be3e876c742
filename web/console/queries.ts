/** Queries: what a release lets be asked of an environment, a form for one, and what it found. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { bytes } from "../../core/report-words.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { roleBadge } from "./badge.ts";
import { choiceField, csrfField, type Html, textField } from "./form.ts";
import { table } from "./table.ts";
import { short } from "./words.ts";

interface ShownQuery {
  name: string;
  description: string;
  parameters: readonly {
    name: string;
    type: string;
    optional: boolean;
    default?: string;
    text?: string;
  }[];
  limit: number;
  /** The file. */
  text: string;
}

interface QueriesView {
  environment: { name: string; role: string };
  /** Null where nothing was promoted yet. */
  release: string | null;
  queries: readonly ShownQuery[];
  mayRun: boolean;
}

/** All of an environment's queries. */
export function queriesView({ environment, release, queries, mayRun }: QueriesView): Html {
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console/environments/${name}">${name}</a></p>
<div class="head"><h1>Queries of ${name}</h1>${roleBadge(role)}</div>
<p class="lead">What may be asked of this database: the queries of the release that it runs, ${short(release)}. Each runs in a transaction that only reads, and is told in the log.</p>
${mayRun ? "" : noticeBox(WHO, "wait")}
<section class="card" aria-label="Queries">${table({
    caption: "Queries, by name",
    columns: [{ label: "Query" }, { label: "What it tells" }, { label: "It is asked with" }],
    rows: queries.map((query) => [
      html`<a href="${pathOf(name, query.name)}">${query.name}</a>`,
      query.description.split("\n\n")[0] ?? "",
      query.parameters.length === 0
        ? "nothing"
        : html`${query.parameters.map(
            (one) => html`<span class="sub"><code>${one.name}</code> ${whatItIs(one)}</span>`,
          )}`,
    ]),
    empty:
      release === null
        ? "No release was promoted here yet, and queries come with releases."
        : html`The release has none. They stand in <code>queries/NAME.sql</code>, and docs/queries.md tells how one is written.`,
  })}</section>`;
}

/** What is shown of a result. */
interface ShownResult {
  columns: readonly { name: string; type: string }[];
  /** As the server writes them. */
  rows: readonly (readonly (string | null)[])[];
  /** Whether there are more than these. */
  more: boolean;
  milliseconds: number;
}

export interface QueryView {
  environment: { name: string; role: string };
  query: ShownQuery;
  release: string;
  mayRun: boolean;
  csrf: string;
  /** As they were typed. */
  typed: Readonly<Record<string, string>>;
  result?: ShownResult | undefined;
  /** Where a file lies that was too large for an answer. */
  file?: { url: string; name: string; rows: number; bytes: number } | undefined;
  refusal?: Refusal | undefined;
}

/** One query: its form, and what it found. */
export function queryView(view: QueryView): Html {
  const { environment, query, release, mayRun, result, file } = view;
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console/environments/${name}">${name}</a> <a href="/console/environments/${name}/queries">Queries</a></p>
<div class="head"><h1>${query.name}</h1>${roleBadge(role)}</div>
${query.description.split("\n\n").map((part) => html`<p class="lead">${part}</p>`)}
${refusalBox(view.refusal)}
${file === undefined ? "" : noticeBox(html`${number(file.rows)} rows, ${bytes(file.bytes)}: <a href="${file.url}" download="${file.name}">download ${file.name}</a> within five minutes.`)}
${mayRun ? html`<section class="card" aria-labelledby="ask"><header><h2 id="ask">Ask</h2></header><div class="body">${form(view)}</div></section>` : noticeBox(WHO, "wait")}
${result === undefined ? "" : resultSection(result)}
<section class="card" aria-labelledby="source"><header><h2 id="source">What runs</h2><p class="more soft">release ${short(release)}</p></header>
<details class="body"><summary>The query's file</summary><pre>${query.text}</pre></details></section>`;
}

const WHO =
  "Its rows are production's, so running one takes a promoter here; the environment's policy may open its queries to viewers.";

/** The number of rows and the buttons are named apart from parameters, which may have any name. */
function form({ environment, query, csrf, typed }: QueryView) {
  const { parameters } = query;
  return html`<form class="stacked" method="post" action="${pathOf(environment.name, query.name)}">${csrfField(csrf)}
${parameters.map((parameter) => fieldOf(parameter, typed))}
${textField({ name: "rows", label: "Rows at most, of a file", value: typed.rows ?? String(query.limit), maxLength: 7, hint: "The page shows the first 200." })}
<p class="acts"><button class="button main" type="submit" name="as" value="rows">Show</button>
<button class="button quiet" type="submit" name="as" value="csv">Download CSV</button>
<button class="button quiet" type="submit" name="as" value="spreadsheet">CSV for a spreadsheet</button>
<button class="button quiet" type="submit" name="as" value="ndjson">NDJSON</button></p></form>`;
}

function fieldOf(parameter: ShownQuery["parameters"][number], typed: QueryView["typed"]) {
  const { name, type, optional, text } = parameter;
  const field = `p.${name}`;
  const about = {
    name: field,
    id: `p-${name}`,
    label: name,
    hint: `${whatItIs(parameter)}${text ? `: ${text}` : ""}`,
  };
  const value = typed[field] ?? parameter.default ?? "";
  if (type !== "boolean")
    return textField({
      ...{ ...about, value, type: type === "date" ? "date" : "text", maxLength: 10_000 },
      required: !optional && type !== "text" && !type.endsWith("[]"),
    });
  const choices = [...(optional ? [""] : []), "true", "false"].map((one) => ({
    value: one,
    label: one === "" ? "either" : one === "true" ? "yes" : "no",
  }));
  return choiceField({ ...about, choices, chosen: value });
}

function whatItIs({ type, optional, default: usual }: ShownQuery["parameters"][number]): string {
  if (usual !== undefined) return `${type}, ${usual === "" ? "empty" : usual} when left out`;
  return optional ? `${type}, may be left out` : type;
}

const NUMBERS = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision"]);

function resultSection({ columns, rows, more, milliseconds }: ShownResult) {
  return html`<section class="card" aria-labelledby="found"><header><h2 id="found">What it found</h2><p class="more soft">${more ? `the first ${number(rows.length)} rows` : `${number(rows.length)} ${rows.length === 1 ? "row" : "rows"}`} in ${number(milliseconds)} ms</p></header>
${more ? html`<p class="body soft">There are more: download them.</p>` : ""}
<div class="wide" tabindex="0" role="group" aria-label="The rows">${table({
    caption: "What it found",
    columns: columns.map(({ name, type }) => ({
      label: name,
      ...(NUMBERS.has(type) && { kind: "number" as const }),
    })),
    rows: rows.map((row) =>
      row.map((value) => (value === null ? html`<span class="soft">NULL</span>` : html`<bdi>${value}</bdi>`)),
    ),
    empty: "No row.",
  })}</div></section>`;
}

function pathOf(environment: string, query: string): string {
  return `/console/environments/${environment}/queries/${encodeURIComponent(query)}`;
}
