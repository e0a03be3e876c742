/** A JSON Schema in words: the type of a value in one line, and the fields of an object one below the other. */
import { html } from "hono/html";
import type { DocumentedSchema } from "./reference.ts";

/** How deep fields are told within fields; what lies deeper is told as its type. */
const DEPTH = 4;

/** The type of a value, a named one as a link to it. */
export function typeOf(schema: DocumentedSchema): ReturnType<typeof html> | string {
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined) return html`<a href="#schema-${name}">${name}</a>`;
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined)
    return html`${either.map((one, index) => html`${index > 0 ? " or " : ""}${typeOf(one)}`)}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`;
  const values = schema.additionalProperties;
  if (typeof values === "object" && schema.properties === undefined)
    return html`object of ${typeOf(values)} by name`;
  return [[schema.type ?? "any value"].flat().join(" or "), ...limits(schema)].join(", ");
}

/** What else a value must be. */
function limits(schema: DocumentedSchema): string[] {
  const { format, pattern, minimum, maximum, minLength, maxLength, default: standing } = schema;
  return [
    ...(format === undefined ? [] : [format]),
    ...(format !== undefined || pattern === undefined ? [] : [`matching ${pattern}`]),
    ...range(sane(minimum), sane(maximum), ""),
    ...range(minLength, maxLength, " characters"),
    ...(standing === undefined ? [] : [`${JSON.stringify(standing)} when left out`]),
  ];
}

/** Bounds of what a double can hold say nothing. */
function sane(bound: number | undefined): number | undefined {
  return bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

function range(from: number | undefined, to: number | undefined, of: string): string[] {
  if (from !== undefined && to !== undefined) return [`${from} to ${to}${of}`];
  if (to !== undefined) return [`at most ${to}${of}`];
  return from === undefined ? [] : [`at least ${from}${of}`];
}

/** The fields of an object, or of the objects in a list; the type alone of what has none. */
export function schemaFields(schema: DocumentedSchema, depth = 0): ReturnType<typeof html> {
  const parts = schema.allOf ?? [];
  if (parts.length > 0) return html`${parts.map((part) => schemaFields(part, depth))}`;
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return html`<p>${typeOf(schema)}</p>`;
  return html`<dl>${fields.map(([name, field]) => {
    const required = schema.required?.includes(name);
    return html`<dt><code>${name}</code>${required ? "" : html` <small>optional</small>`}</dt>
<dd><span class="type">${typeOf(field)}</span>${field.description ? html` ${field.description}` : ""}${within(field, depth)}</dd>`;
  })}</dl>`;
}

/** The fields inside a field. */
function within(field: DocumentedSchema, depth: number) {
  const inner = [field, field.items, ...(field.anyOf ?? []), ...(field.items?.anyOf ?? [])].filter(
    (one) => one?.properties !== undefined,
  );
  if (depth >= DEPTH) return "";
  return html`${inner.map((one) => (one === undefined ? "" : schemaFields(one, depth + 1)))}`;
}
