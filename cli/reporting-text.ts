/** Reports in words: what there is, and what came of making documents anew. */
import * as z from "zod";
import type { Reports } from "./reporting-answers.ts";
import { columns, plain } from "./text.ts";

/** A line for each. */
export function reportTable(reports: Reports["reports"]): string {
  const lines = reports.map(({ name, kind, formats, description }) => [
    name,
    kind,
    formats.join(", "),
    plain(description),
  ]);
  return columns([["REPORT", "KIND", "FORMATS", "WHAT IT IS"], ...lines]);
}

const regenerated = z.object({
  document: z.string(),
  records: z.number(),
  written: z.number(),
  unchanged: z.number(),
  refused: z.number(),
  refusals: z.array(z.object({ record: z.string(), code: z.string(), message: z.string() })),
});

/** Of a task's outcome. */
export function describeRegenerated(outcome: unknown): string {
  const { document, records, written, unchanged, refused, refusals } = regenerated.parse(outcome);
  const more = refused - refusals.length;
  return [
    `${document}: ${records} records, ${written} files written, ${unchanged} as they were, ${refused} records refused`,
    ...refusals.map(({ code, message }) => `  ${code}: ${plain(message)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join("\n");
}
