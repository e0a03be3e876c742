/** What the command needs of the service's answers about queries. */
import * as z from "zod";
import { QUERY_FORMATS } from "../core/query/formats.ts";

const query = z.looseObject({
  name: z.string(),
  description: z.string(),
  parameters: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      optional: z.boolean(),
      default: z.string().optional(),
      text: z.string().optional(),
    }),
  ),
  limit: z.number(),
});

export type ListedQuery = z.output<typeof query>;

export const queries = z.looseObject({
  /** Null where nothing was promoted yet. */
  release: z.string().nullable(),
  queries: z.array(query),
  next: z.string().nullable(),
});

/** With --json, of the list. */
export const listedQueries = queries.omit({ next: true }).extend({ environment: z.string() });

export const queryResult = z.looseObject({
  query: z.string(),
  release: z.string(),
  format: z.enum(QUERY_FORMATS),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.number(),
  /** What it was cut short by. */
  truncated: z.enum(["rows", "bytes"]).nullable(),
  milliseconds: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  /** All of it, or null where it is large. */
  content: z.string().nullable(),
  /** Where it is fetched then, for five minutes. */
  download: z.object({ url: z.string(), expiresAt: z.string(), file: z.string() }).nullable(),
});

export type QueryResult = z.output<typeof queryResult>;

/** With --json and --out. */
export const writtenQuery = queryResult.omit({ content: true, download: true }).extend({ path: z.string() });
