/** The API's reference as a page: made from its OpenAPI document alone, readable without scripts, in light and in dark. */
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { schemaFields, typeOf } from "./reference-schema.ts";

/** What of a JSON Schema the page reads. */
export interface DocumentedSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  items?: DocumentedSchema;
  properties?: Record<string, DocumentedSchema>;
  required?: string[];
  additionalProperties?: DocumentedSchema | boolean;
  anyOf?: DocumentedSchema[];
  oneOf?: DocumentedSchema[];
  allOf?: DocumentedSchema[];
}

type Media = Record<string, { schema?: DocumentedSchema }>;

export interface DocumentedResponse {
  description: string;
  headers?: Record<string, { description?: string; schema?: DocumentedSchema }>;
  content?: Media;
  /** The catalogue's codes that are known to come with it. */
  "x-codes"?: string[];
}

export interface DocumentedParameter {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  required?: boolean;
  description?: string;
  schema?: DocumentedSchema;
}

export interface DocumentedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security?: object[];
  parameters?: DocumentedParameter[];
  requestBody?: { required?: boolean; content: Media };
  responses: Record<string, DocumentedResponse>;
  "x-access"?: { permission: string; of: string };
}

/** An OpenAPI document as this service makes it. */
export interface ApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, DocumentedSchema>; securitySchemes: Record<string, object> };
}

interface Placed {
  method: string;
  path: string;
  operation: DocumentedOperation;
}

/** The whole page; its one style sheet is `style`, which the policy of the answer names by its hash. */
export function referencePage(document: ApiDocument, style: string) {
  const placed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Placed => ({ method, path, operation })),
  );
  const groups = document.tags.map(({ name, description }) => ({
    name,
    description,
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${document.info.title}: API reference</title>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the operations</a>
<header><h1>${document.info.title}: API reference</h1>
<p>Version ${document.info.version}. The same as a document: <a href="openapi.json">openapi.json</a></p></header>
<nav aria-label="Operations">${groups.map(
    ({ name, operations }) => html`<h2 id="list-${name}">${name}</h2>
<ul aria-labelledby="list-${name}">${operations.map(
      ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`,
    )}</ul>`,
  )}<h2 id="list-schemas">Schemas</h2>
<ul aria-labelledby="list-schemas">${Object.keys(document.components.schemas).map(
    (name) => html`<li><a href="#schema-${name}">${name}</a></li>`,
  )}</ul></nav>
<main id="main" tabindex="-1">
<section aria-label="About">${paragraphs(document.info.description)}</section>
${groups.map(
  ({ name, description, operations }) => html`<section aria-labelledby="tag-${name}">
<h2 id="tag-${name}">${name}</h2><p>${description}</p>${operations.map(operationArticle)}</section>`,
)}
<section aria-labelledby="schemas"><h2 id="schemas">Schemas</h2>${Object.entries(
    document.components.schemas,
  ).map(
    ([name, schema]) => html`<article id="schema-${name}" aria-labelledby="name-${name}">
<h3 id="name-${name}">${name}</h3>${schema.description ? html`<p>${schema.description}</p>` : ""}${schemaFields(schema)}</article>`,
  )}</section>
</main>
</body>
</html>`;
}

function operationArticle({ method, path, operation }: Placed) {
  const { operationId: id, summary, description, parameters = [], requestBody, responses } = operation;
  return html`<article id="${id}" aria-labelledby="title-${id}">
<h3 id="title-${id}">${summary}</h3>
<p class="call"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></p>
${description ? paragraphs(description) : ""}<p class="access">${accessWords(operation)}</p>
${parameters.length === 0 ? "" : table("Parameters", ["Name", "In", "Type", "Meaning"], parameters.map(parameterRow))}
${Object.entries(requestBody?.content ?? {}).map(
  ([media, { schema }]) => html`<h4>Body <small>${media}</small></h4>${schema ? schemaFields(schema) : ""}`,
)}
${table("Answers", ["Status", "What", "Content"], Object.entries(responses).map(responseRow))}
</article>`;
}

function accessWords({ "x-access": access, security }: DocumentedOperation): string {
  if (security?.length === 0 || access?.of === "public" || access === undefined)
    return "Anybody may, without a credential.";
  if (access.of === "self") return "Whoever shows a credential may: it is about themselves.";
  const where = {
    service: "for all environments",
    somewhere: "in one environment at least; the answer holds what the caller may see",
    environment: "in the environment that is named",
  }[access.of];
  return `Takes the permission “${access.permission}” ${where ?? `in the environment of the ${access.of}`}.`;
}

const parameterRow = ({ name, in: place, required, description, schema = {} }: DocumentedParameter) => [
  html`<code>${name}</code>${required ? html` <small>required</small>` : ""}`,
  place,
  typeOf(schema),
  description ?? schema.description ?? "",
];

function responseRow([status, response]: [string, DocumentedResponse]) {
  const headers = Object.keys(response.headers ?? {});
  const contents = Object.entries(response.content ?? {}).map(
    ([media, { schema }]) => html`<div>${schema ? typeOf(schema) : ""} <small>${media}</small></div>`,
  );
  return [
    html`<code>${status}</code>`,
    html`${inline(response.description)}${headers.length > 0 ? html` <small>headers: ${headers.join(", ")}</small>` : ""}`,
    html`${contents}`,
  ];
}

type Cell = HtmlEscapedString | Promise<HtmlEscapedString> | string;

/** A group and no landmark: there are a hundred of them. It takes the focus, so that keys can scroll it. */
function table(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** The little Markdown that the document's descriptions are written in: paragraphs, `code` and **strong**. */
function paragraphs(text: string) {
  return html`${text.split("\n\n").map((part) => html`<p>${inline(part)}</p>`)}`;
}

function inline(text: string) {
  return html`${text
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/)
    .map((part) =>
      part.startsWith("`")
        ? html`<code>${part.slice(1, -1)}</code>`
        : part.startsWith("**")
          ? html`<strong>${part.slice(2, -2)}</strong>`
          : part,
    )}`;
}
