/** How a run of a query is asked for, whoever asks. */
import * as z from "zod";
import { QUERY_FORMATS } from "./formats.ts";

/** Rows of a query whose file names no limit, and the most that may be asked for. */
export const QUERY_ROWS = { usual: 10_000, most: 1_000_000 };

const plain = z.union([z.string().max(1_000_000), z.number(), z.boolean()]);

export const queryRequest = z.strictObject({
  /** By name; what is left out has its default. A number that JSON does not carry exactly is given as a text. */
  parameters: z
    .record(z.string().max(63), z.union([plain, z.null(), z.array(plain).max(100_000)]))
    .default({}),
  /** Rows at most; as the query's file says when left out. */
  limit: z.int().min(1).max(QUERY_ROWS.most).optional(),
  format: z.enum(QUERY_FORMATS).default("json"),
  /** An uploaded release, by its hash or enough of its beginning; the one that the environment runs when left out. */
  release: z
    .string()
    .regex(/^[0-9a-f]{4,64}$/, "a hash has 4 to 64 hex digits")
    .optional(),
});
