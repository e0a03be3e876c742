/** `schema.md`: a schema lock for people, with a diagram of each schema; whatever an object is called, the page stays a page. */
import { count } from "./counts.ts";
import { schemaDiagrams } from "./schema-diagram.ts";
import type { ColumnLock, SchemaLock, TableLock } from "./schema-lock.ts";
import { parseKey } from "./shape-names.ts";

/** The page; equal locks give equal pages. */
export function schemaPage(lock: SchemaLock): string {
  const counted = [
    count(Object.keys(lock.tables).length, "table"),
    count(Object.keys(lock.views).length, "view"),
    count(Object.keys(lock.enums).length, "enum"),
    count(Object.keys(lock.functions).length, "function"),
  ];
  return `${[
    "# The schema",
    "",
    "Written by `rehearsal schema` from a replay of the migrations; a change by hand is lost.",
    `${counted.join(", ")}. Fingerprint \`${lock.fingerprint.slice(0, 16)}\`.`,
    ...section("Diagram", schemaDiagrams(lock)),
    ...section(
      "Tables",
      Object.entries(lock.tables).flatMap(([name, table]) => tablePart(name, table, lock)),
    ),
    ...section("Relations", relationPart(lock)),
    ...section(
      "Enums",
      rows(
        ["enum", "values"],
        Object.entries(lock.enums).map(([name, labels]) => [code(name), labels.map(code).join(", ")]),
      ),
    ),
    ...section(
      "Views",
      rows(
        ["view", "columns", "for"],
        Object.entries(lock.views).map(([name, { materialized, columns, comment = "" }]) => [
          code(name) + (materialized ? " (materialized)" : ""),
          Object.keys(columns).map(code).join(", "),
          words(comment),
        ]),
      ),
    ),
    ...section(
      "Functions",
      rows(
        ["function", "for"],
        Object.values(lock.functions).map(({ signature, comment = "" }) => [code(signature), words(comment)]),
      ),
    ),
    ...section(
      "Besides",
      Object.keys(lock.others).map((address) => `- ${code(address)}`),
    ),
  ].join("\n")}\n`;
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ["", `## ${title}`, "", ...lines];
}

function tablePart(name: string, table: TableLock, { relations }: SchemaLock): string[] {
  const keys = Object.values(table.constraints).map(parseKey);
  const primary = new Set(keys.find((key) => key?.primary)?.columns);
  const own = relations.filter((relation) => relation.table === name);
  const lines = Object.entries(table.columns).map(([column, facts]) => {
    const to = own.find(({ columns }) => columns.length === 1 && columns[0] === column);
    return [
      code(column),
      code(facts.type),
      facts.nullable ? "yes" : "",
      standing(facts),
      [
        primary.has(column) ? "primary key" : "",
        to === undefined ? "" : `to ${code(to.references)}`,
        facts.json ? "JSON" : "",
        facts.encrypted ? "encrypted" : "",
        words(facts.comment ?? ""),
      ]
        .filter(Boolean)
        .join("; "),
    ];
  });
  const kept = [...Object.entries(table.constraints), ...Object.entries(table.indexes)].map(
    ([called, definition]) => `- ${code(called)}: ${code(definition)}`,
  );
  const more = Object.entries(table.more ?? {}).map(
    ([fact, value]) => `- ${fact}: ${code(typeof value === "string" ? value : JSON.stringify(value))}`,
  );
  return [
    `### ${code(name)}`,
    "",
    ...(table.comment === undefined ? [] : [words(table.comment), ""]),
    ...rows(["column", "type", "null", "default", ""], lines),
    "",
    ...kept,
    ...more,
    ...(kept.length + more.length > 0 ? [""] : []),
  ];
}

function standing({ default: expression, identity, generated }: ColumnLock): string {
  if (identity !== undefined) return `identity, ${identity}`;
  if (expression === undefined) return "";
  return generated === undefined ? code(expression) : `${generated}: ${code(expression)}`;
}

function relationPart({ relations }: SchemaLock): string[] {
  return rows(
    ["from", "to", "on delete", "on update", "name"],
    relations.map((one) => [
      `${code(one.table)} (${one.columns.map(code).join(", ")})`,
      `${code(one.references)} (${one.referencedColumns.map(code).join(", ")})`,
      one.onDelete,
      one.onUpdate,
      [
        code(one.name),
        one.deferrable === undefined ? "" : `deferrable, ${one.deferrable}`,
        one.notValidated ? "not validated" : "",
        one.match === undefined ? "" : "match full",
        one.notEnforced ? "not enforced" : "",
      ]
        .filter(Boolean)
        .join("; "),
    ]),
  );
}

/** A table of Markdown, aligned so that it reads as text too; nothing when it would have no rows. */
function rows(head: string[], body: string[][]): string[] {
  if (body.length === 0) return [];
  const widths = head.map((_, place) =>
    Math.max(3, ...[head, ...body].map((cells) => (cells[place] ?? "").length)),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)];
}

/** Text as code in a cell: on one line, a bar kept from ending the cell, between more backticks than it holds. */
function code(text: string): string {
  const flat = text.replaceAll(/\s+/g, " ").trim().replaceAll("|", "\\|");
  const fence = "`".repeat(Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  const pad = flat.startsWith("`") || flat.endsWith("`") || flat === "" ? " " : "";
  return `${fence}${pad}${flat}${pad}${fence}`;
}

/** Somebody's sentence, in which nothing is markup. */
function words(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll(/[\\`*_[\]<>|#~]/g, (sign) => `\\${sign}`);
}
