/** Entity-relationship diagrams in Mermaid: one for each schema, bounded, with names that cannot become syntax. */
import type { SchemaLock, TableLock } from "./schema-lock.ts";
import { namesOf, parseKey } from "./shape-names.ts";

/** A diagram with more of them nobody can read. */
const TABLES = 60;
const COLUMNS = 20;

/** Markdown: a diagram for each schema that has tables; those with most relations come first where not all have room. */
export function schemaDiagrams(lock: SchemaLock): string[] {
  const tables = Object.entries(lock.tables);
  const schemas = Map.groupBy(tables, ([name]) => namesOf(name)[0] ?? "");
  return [...schemas].flatMap(([schema, own], place) => [
    ...(place > 0 ? [""] : []),
    ...(schemas.size > 1 ? [`### Schema ${plain(schema)}`, ""] : []),
    ...diagram(lock, own),
  ]);
}

function diagram({ relations }: SchemaLock, tables: [string, TableLock][]): string[] {
  const weight = (name: string) =>
    relations.filter((one) => one.table === name || one.references === name).length;
  const chosen =
    tables.length <= TABLES
      ? tables
      : tables
          .toSorted(([one], [other]) => weight(other) - weight(one) || (one < other ? -1 : 1))
          .slice(0, TABLES);
  const ids = new Map(chosen.map(([name], place) => [name, `t${place + 1}`]));
  const lines = relations.flatMap((one) => {
    const [from, to] = [ids.get(one.table), ids.get(one.references)];
    if (from === undefined || to === undefined) return [];
    const table = tables.find(([name]) => name === one.table)?.[1];
    const optional = one.columns.some((column) => table?.columns[column]?.nullable === true);
    const single = isUnique(table, one.columns);
    return [
      `  ${to} ${optional ? "|o" : "||"}--${single ? "o|" : "o{"} ${from} : "${plain(one.columns.join(", "))}"`,
    ];
  });
  const left = tables.length - chosen.length;
  return [
    "```mermaid",
    "erDiagram",
    ...chosen.flatMap(([name, table]) => entity(ids.get(name) ?? "", name, table, relations)),
    ...lines,
    "```",
    ...(left > 0 ? ["", `${left} more tables, those with the fewest relations, are not drawn.`] : []),
  ];
}

function entity(id: string, name: string, table: TableLock, relations: SchemaLock["relations"]): string[] {
  const primary = new Set(
    Object.values(table.constraints)
      .map(parseKey)
      .find((key) => key?.primary)?.columns,
  );
  const foreign = new Set(relations.filter((one) => one.table === name).flatMap(({ columns }) => columns));
  const columns = Object.entries(table.columns);
  const drawn = columns.slice(0, COLUMNS).map(([column, { type }]) => {
    const marks = [primary.has(column) ? "PK" : "", foreign.has(column) ? "FK" : ""]
      .filter(Boolean)
      .join(", ");
    return `    ${word(type)} ${word(column)}${marks && ` ${marks}`}`;
  });
  const more = columns.length - drawn.length;
  return [`  ${id}["${plain(name)}"] {`, ...drawn, ...(more > 0 ? [`    and _${more}_more`] : []), "  }"];
}

function isUnique(table: TableLock | undefined, columns: readonly string[]): boolean {
  return Object.values(table?.constraints ?? {}).some((definition) => {
    const key = parseKey(definition);
    return key?.columns.every((column) => columns.includes(column)) ?? false;
  });
}

/** Text between quotes: letters, digits and a few signs; what else stands in a name would be read as Mermaid or HTML. */
function plain(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}_.,$ -]/gu, "_");
}

/** One of Mermaid's words: it begins with a letter, and letters, digits and underscores follow. */
function word(text: string): string {
  const safe = text
    .normalize("NFKD")
    .replaceAll(/[^A-Za-z0-9_]+/g, "_")
    .replace(/_$/, "");
  return /^[A-Za-z]/.test(safe) ? safe : `_${safe}`;
}
