/** The formats in which a query's rows are had. */

/** `spreadsheet` is CSV for people who open it in one; `rows` is for whoever shows a table: an array of texts a line. */
export const QUERY_FORMATS = ["csv", "spreadsheet", "json", "ndjson", "rows"] as const;

export type QueryFormat = (typeof QUERY_FORMATS)[number];
