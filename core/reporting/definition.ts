/** `reports/NAME.yaml`: what a report exports, or what a document is made from and where it lies. */
import * as z from "zod";
import { didYouMean } from "../did-you-mean.ts";
import { sha256 } from "../digest.ts";
import { isJsonPath } from "../json-path.ts";
import { readName } from "../plain-name.ts";
import { storagePrefix } from "../storage.ts";
import { configInvalid, parseYamlFile } from "../yaml-file.ts";
import { unreadTemplate } from "./template.ts";

const text = z.string().trim().min(1, "say it in words").max(2_000);
const column = z
  .string()
  .min(1)
  .refine((value) => Buffer.byteLength(value) <= 63, "a column's name has at most 63 bytes");
const table = text.refine(
  (value) => (readName(value)?.length ?? 3) <= 2,
  "it is no name of a table, like public.job_finals",
);
const path = text.refine(isJsonPath, "it is no path into the payload, like $.customer.name or $.rounds[*]");
const template = text.refine(
  (value) => unreadTemplate(value) === undefined,
  'it is no text with paths in braces, like "Assessment {$.reference}"',
);
const value = z.union([z.string(), z.int(), z.boolean()]);
const where = z.record(column, z.union([value, z.array(value).min(1).max(100)]));

export const REPORT_FORMATS = ["csv", "xlsx", "parquet", "geojson"] as const;

export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** What a column's values are; a value of the database that is not of it is refused, never bent. */
const REPORT_TYPES = [
  "text",
  "integer",
  "decimal",
  "double",
  "boolean",
  "date",
  "timestamp",
  "json",
] as const;

export type ReportType = (typeof REPORT_TYPES)[number];

const reportColumn = z
  .strictObject({
    type: z.enum(REPORT_TYPES),
    title: text.optional().meta({ description: "The column's heading in XLSX; its name when left out." }),
    precision: z.int().min(1).max(38).optional(),
    scale: z.int().min(0).max(38).optional(),
  })
  .refine(
    ({ type, precision, scale }) =>
      type === "decimal"
        ? precision !== undefined && (scale ?? 0) <= precision
        : precision === undefined && scale === undefined,
    "a decimal says its precision and scale, and nothing else does",
  );

const geometry = z.union([
  z.strictObject({ longitude: column, latitude: column }),
  z.strictObject({ geojson: column }),
]);

export const reportSchema = z.strictObject({
  description: text,
  sql: z
    .string()
    .regex(/^[^/]+\.sql$/, "a file beside it, like finals.sql")
    .optional()
    .meta({ description: "The file with its SELECT, beside it; NAME.sql when left out." }),
  formats: z
    .array(z.enum(REPORT_FORMATS))
    .min(1)
    .refine((formats) => new Set(formats).size === formats.length, "each format once"),
  columns: z
    .record(column, reportColumn)
    .refine((columns) => Object.keys(columns).length > 0, "name at least one column")
    .meta({ description: "Every column of the SELECT, in its order." }),
  order: z.array(column).min(1).meta({
    description: "Columns that together tell every two rows apart; by them the rows are ordered.",
  }),
  geometry: geometry.optional(),
  rows: z.int().min(1).max(100_000_000).default(1_000_000).meta({
    description: "The most rows that it may have; more are refused.",
  }),
  minutes: z.int().min(1).max(600).default(10).meta({ description: "How long its statement may take." }),
  formulas: z.enum(["quoted", "kept"]).default("quoted").meta({
    description:
      "What CSV does with text that a spreadsheet would compute: an apostrophe before it, or nothing.",
  }),
});

const block = z.union(
  [
    z.strictObject({ heading: template }),
    z.strictObject({ paragraph: template }),
    z.strictObject({
      facts: z
        .array(z.strictObject({ label: text, value: template }))
        .min(1)
        .max(200),
    }),
    z.strictObject({ list: z.strictObject({ of: path, text: template }) }),
    z.strictObject({
      table: z.strictObject({
        of: path,
        columns: z
          .array(z.strictObject({ title: text, value: template }))
          .min(1)
          .max(12),
      }),
    }),
  ],
  "a block is one of heading, paragraph, facts, list or table",
);

export const DOCUMENT_FORMATS = ["pdf", "docx", "geojson"] as const;

export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

const documentGeometry = z.union([
  z.strictObject({ longitude: path, latitude: path }),
  z.strictObject({ geojson: path }),
]);

export const documentSchema = z.strictObject({
  description: text,
  document: z.strictObject({
    snapshots: z
      .strictObject({
        table,
        record: column.meta({
          description: "The column that names the record: its text is the record's name.",
        }),
        payload: column.meta({ description: "A jsonb column." }),
        sha256: column.meta({ description: "Hex; of the payload's text as Postgres prints it." }),
        current: z.array(where).min(1).max(10).meta({
          description:
            "Which row is the current one: the first of these that is there, as correction, then final.",
        }),
      })
      .meta({ description: "The rows that documents are made from." }),
    artifacts: z
      .strictObject({
        table,
        record: column,
        key: column.meta({ description: "The object's key in the environment's storage bucket." }),
        prefix: storagePrefix
          .refine((prefix) => prefix.endsWith("/"), "it ends with a slash, so that it names a folder")
          .meta({ description: "What every key begins with; a row with another key is refused." }),
        sha256: column,
        bytes: column,
        madeFrom: column.meta({
          description: "Gets the sha256 of the payload that the object was made from.",
        }),
        /** Set to the transaction's time, where there is one. */
        madeAt: column.optional(),
      })
      .meta({ description: "The rows that say where the objects lie." }),
    outputs: z
      .array(
        z.strictObject({
          format: z.enum(DOCUMENT_FORMATS),
          where: where.meta({ description: "Which of the record's artifact rows is this output." }),
        }),
      )
      .min(1)
      .max(20),
    title: template,
    language: z
      .string()
      .regex(/^[a-z]{2,3}(-[A-Z]{2})?$/)
      .default("en"),
    content: z.array(block).max(200).default([]),
    geojson: z
      .strictObject({
        of: path
          .default("$")
          .meta({ description: "Each value there makes one feature; the others' paths begin in it." }),
        geometry: documentGeometry,
        properties: z.record(text, path).default({}),
      })
      .optional(),
  }),
});

interface Defined {
  /** The file's name without `.yaml`. */
  name: string;
  path: string;
  /** Of the raw bytes. */
  sha256: string;
}

export interface Report extends Omit<z.infer<typeof reportSchema>, "sql">, Defined {
  /** The path of its SELECT. */
  sql: string;
}

export interface DocumentDefinition extends z.infer<typeof documentSchema>, Defined {}

export type ReportDefinition = Report | DocumentDefinition;

export type ContentBlock = z.infer<typeof block>;

export type ReportColumn = z.infer<typeof reportColumn>;

export function isDocument(definition: ReportDefinition): definition is DocumentDefinition {
  return "document" in definition;
}

/** Reads one definition; throws `ConfigInvalid` with every problem. */
export function parseReportDefinition(file: string, bytes: Uint8Array): ReportDefinition {
  const name = /^reports\/([a-z0-9][a-z0-9-]{0,62})\.yaml$/.exec(file)?.[1];
  if (name === undefined)
    throw configInvalid(file, [
      "a report is named in lower case, with digits and hyphens: reports/finals.yaml",
    ]);
  const found = parseYamlFile(file, bytes) ?? {};
  const defined = { name, path: file, sha256: sha256(bytes) };
  if (typeof found === "object" && "document" in found) {
    const document = parsed(file, documentSchema, found);
    refuse(file, documentProblems(document));
    return { ...document, ...defined };
  }
  const report = parsed(file, reportSchema, found);
  refuse(file, reportProblems(report));
  return { ...report, ...defined, sql: `reports/${report.sql ?? `${name}.sql`}` };
}

function parsed<S extends z.ZodObject>(file: string, schema: S, found: unknown): z.infer<S> {
  const result = schema.safeParse(found);
  if (!result.success)
    throw configInvalid(
      file,
      result.error.issues.flatMap((issue) => describeIssue(issue, Object.keys(schema.shape))),
    );
  return result.data;
}

function describeIssue(issue: z.core.$ZodIssue, top: string[]): string[] {
  const where = issue.path.join(".");
  const at = where === "" ? "" : `${where}: `;
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => `${at}${message}`);
  if (issue.code !== "unrecognized_keys") return [`${at}${issue.message}`];
  return issue.keys.map(
    (key) => `${at}the key "${key}" is not known${where === "" ? `, ${didYouMean(key, top)}` : ""}`,
  );
}

function refuse(file: string, problems: string[]): void {
  if (problems.length > 0) throw configInvalid(file, problems);
}

/** What the parts of a report say of each other. */
function reportProblems({ columns, order, formats, geometry }: z.infer<typeof reportSchema>): string[] {
  const of = (name: string) => (Object.hasOwn(columns, name) ? columns[name] : undefined);
  const problems = order
    .filter((name) => of(name) === undefined)
    .map((name) => `order: ${name} is none of its columns, ${didYouMean(name, Object.keys(columns))}`);
  if (order.some((name) => of(name)?.type === "json")) problems.push("order: json has no order");
  if (formats.includes("geojson") !== (geometry !== undefined))
    problems.push("geometry: it is there for geojson, and geojson needs it");
  if (geometry !== undefined && "geojson" in geometry && of(geometry.geojson)?.type !== "json")
    problems.push(`geometry.geojson: ${geometry.geojson} is no column of type json`);
  if (geometry !== undefined && "longitude" in geometry)
    for (const name of [geometry.longitude, geometry.latitude])
      if (!/^(double|decimal)$/.test(of(name)?.type ?? ""))
        problems.push(`geometry: ${name} is no column of type double or decimal`);
  return problems;
}

function documentProblems({ document }: z.infer<typeof documentSchema>): string[] {
  const geojson = document.outputs.some(({ format }) => format === "geojson");
  const pages = document.outputs.some(({ format }) => format !== "geojson");
  const problems: string[] = [];
  if (geojson !== (document.geojson !== undefined))
    problems.push("document.geojson: it is there for an output of geojson, which needs it");
  if (pages && document.content.length === 0)
    problems.push("document.content: it is empty, and a pdf or docx is made of it");
  const rows = document.outputs.map(({ where }) => JSON.stringify(Object.entries(where).sort()));
  if (new Set(rows).size !== rows.length)
    problems.push("document.outputs: two of them are the same artifact row");
  return problems;
}
