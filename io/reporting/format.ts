/** The contract of an export's formats: rows go in, bytes come out as soon as they are final, and a batch is all that is kept. */
import type { ReportFormat } from "../../core/reporting/definition.ts";
import type { Report } from "../../core/reporting/reports.ts";
import type { NamedColumn, ReportRow } from "../../core/reporting/value.ts";

export interface FormatWriter {
  /** What is final with these rows. Throws `ReportValueUnfit` and `ReportTooLong`. */
  add(rows: readonly ReportRow[]): Uint8Array[];
  /** What follows the last row. */
  end(): Uint8Array[];
}

interface FormatOptions {
  report: Report;
  columns: readonly NamedColumn[];
}

/** The same rows make the same bytes: no writer asks a clock, a locale or a name that is made up. */
export type OpenFormat = (options: FormatOptions) => FormatWriter;

export const CONTENT_TYPES: Record<ReportFormat, string> = {
  csv: "text/csv; charset=utf-8; header=present",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  parquet: "application/vnd.apache.parquet",
  geojson: "application/geo+json",
};

/** Each library is loaded when a report first needs it. */
const WRITERS: Record<ReportFormat, () => Promise<OpenFormat>> = {
  csv: async () => (await import("./csv.ts")).openCsv,
  xlsx: async () => (await import("./xlsx.ts")).openXlsx,
  parquet: async () => (await import("./parquet.ts")).openParquet,
  geojson: async () => (await import("./geojson.ts")).openGeojson,
};

export async function openFormat(format: ReportFormat, options: FormatOptions): Promise<FormatWriter> {
  const open = await WRITERS[format]();
  return open(options);
}
