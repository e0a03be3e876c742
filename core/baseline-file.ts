/** A baseline as a file: what a database held at a time, to be held against what it holds at another. */
import * as z from "zod";
import type { Baseline } from "./baseline.ts";
import { RehearsalError } from "./errors.ts";

const tableBaseline = z.strictObject({
  rows: z.int().min(0),
  columns: z.array(z.string()),
  checksum: z.string().regex(/^-?\d+$/),
  partOf: z.string().optional(),
});

const fileSchema = z.strictObject({
  format: z.literal("rehearsal-baseline-file/1"),
  environment: z.string(),
  /** The task that took it. */
  task: z.string(),
  /** By the server's clock. */
  takenAt: z.iso.datetime(),
  /** Of the database's shape at that time. */
  fingerprint: z.string(),
  baseline: z.strictObject({
    format: z.literal("rehearsal-baseline/2"),
    tables: z.record(z.string(), tableBaseline),
    sequences: z.record(z.string(), z.strictObject({ last: z.string(), called: z.boolean() })),
    largeObjects: z.strictObject({ count: z.int().min(0), checksum: z.string() }),
  }),
});

export interface BaselineFile extends Omit<z.infer<typeof fileSchema>, "baseline"> {
  baseline: Baseline;
}

/** As it is written: indented, with a line feed at the end. */
export function baselineFileText(file: BaselineFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads such a file; throws `InputInvalid` with what is wrong, naming it as `what`. */
export function parseBaselineFile(what: string, text: string): BaselineFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RehearsalError("InputInvalid", { what, problems: (error as Error).message }, { cause: error });
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success)
    throw new RehearsalError("InputInvalid", {
      what,
      problems: parsed.error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join(".")}: ${message}`)
        .join("; "),
    });
  return parsed.data as BaselineFile;
}
