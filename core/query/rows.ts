/** What a query's rows are written as: CSV, JSON, JSON by lines. FORMATS.md pins the bytes. */
import { quoteFormula } from "../reporting/formula.ts";
import type { QueryFormat } from "./formats.ts";

export interface QueryColumn {
  name: string;
  /** As Postgres names it: "timestamp with time zone". */
  type: string;
}

type Row = readonly (string | null)[];

interface Written {
  contentType: string;
  /** Of a file's name. */
  ending: string;
  head(columns: readonly QueryColumn[]): string;
  row(columns: readonly QueryColumn[], row: Row, first: boolean): string;
  tail(rows: number): string;
}

export const WRITTEN: Record<QueryFormat, Written> = {
  csv: {
    contentType: "text/csv; charset=utf-8",
    ending: "csv",
    head: (columns) => csvLine(columns.map(({ name }) => name)),
    row: (_, row) => csvLine(row),
    tail: () => "",
  },
  spreadsheet: {
    contentType: "text/csv; charset=utf-8",
    ending: "csv",
    // By the mark a spreadsheet knows that it is UTF-8.
    head: (columns) => `\uFEFF${csvLine(columns.map(({ name }) => quoteFormula(name)))}`,
    row: (columns, row) =>
      csvLine(
        row.map((value, at) =>
          value === null || NUMBERS.has(columns[at]?.type ?? "") ? value : quoteFormula(value),
        ),
      ),
    tail: () => "",
  },
  json: {
    contentType: "application/json",
    ending: "json",
    head: () => "[",
    row: (columns, row, first) => `${first ? "\n" : ",\n"}${objectOf(columns, row)}`,
    tail: (rows) => (rows === 0 ? "]\n" : "\n]\n"),
  },
  ndjson: {
    contentType: "application/x-ndjson",
    ending: "ndjson",
    head: () => "",
    row: (columns, row) => `${objectOf(columns, row)}\n`,
    tail: () => "",
  },
  rows: {
    contentType: "application/x-ndjson",
    ending: "ndjson",
    head: () => "",
    row: (_, row) => `${JSON.stringify(row)}\n`,
    tail: () => "",
  },
};

/** The name of a column that stands twice, or undefined: an object would keep the last of them alone. */
export function repeatedColumn(columns: readonly Pick<QueryColumn, "name">[]): string | undefined {
  const seen = new Set<string>();
  return columns.find(({ name }) => seen.size === seen.add(name).size)?.name;
}

/** Their text is a number of JSON, unless it is NaN or infinite, and no reader rounds it. */
const JSON_NUMBERS = new Set(["smallint", "integer", "oid", "real", "double precision"]);
const JSON_TYPES = new Set(["json", "jsonb"]);
const NUMBERS = new Set([...JSON_NUMBERS, "bigint", "numeric"]);

function objectOf(columns: readonly QueryColumn[], row: Row): string {
  const fields = columns.map(
    ({ name, type }, at) => `${JSON.stringify(name)}:${jsonValue(type, row[at] ?? null)}`,
  );
  return `{${fields.join(",")}}`;
}

function jsonValue(type: string, text: string | null): string {
  if (text === null) return "null";
  if (type === "boolean") return text === "t" ? "true" : "false";
  if (JSON_NUMBERS.has(type) && /^-?\d/.test(text)) return text;
  // A line break may stand between two tokens of json, and in none.
  if (JSON_TYPES.has(type)) return text.replaceAll(/[\r\n]+/g, " ");
  return JSON.stringify(text);
}

/** NULL is nothing between two commas, and an empty text is two quotes, as COPY writes them. */
function csvLine(values: Row): string {
  const [only] = values;
  // A lone NULL would be an empty line, which readers skip; a lone \. would end a COPY.
  if (values.length === 1 && (only === null || only === "\\.")) return `"${only ?? ""}"\r\n`;
  return `${values.map(csvField).join(",")}\r\n`;
}

function csvField(value: string | null): string {
  if (value === null) return "";
  return value === "" || /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
