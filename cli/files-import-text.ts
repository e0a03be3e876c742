/** An import of files in words. */

import * as z from "zod";
import { number } from "../core/counts.ts";
import { bytes, columns, facts, plain } from "./text.ts";

const count = z.number();

export const filesOutcome = z.looseObject({
  import: z.string(),
  dryRun: z.boolean(),
  records: z.object({ read: count, imported: count, refused: count }),
  rows: z.record(z.string(), z.object({ inserted: count, updated: count, unchanged: count })),
  media: z.object({ stored: count, present: count, bytes: count }),
  disagreements: count,
  unread: count,
  untold: count,
});

/** Counts by set of rows, and what has to be looked at. */
export function describeFilesImport(id: string, outcome: unknown): string {
  const { records, rows: sets, media, disagreements, unread, dryRun } = filesOutcome.parse(outcome);
  const table = columns([
    ["ROWS", "INSERTED", "UPDATED", "UNCHANGED"],
    ...Object.entries(sets).map(([name, of]) => [
      plain(name),
      ...[of.inserted, of.updated, of.unchanged].map(number),
    ]),
  ]);
  const told = [
    `${number(records.imported)} of ${number(records.read)} records ${dryRun ? "would be imported; nothing was written" : "are imported"}`,
    ...(media.stored + media.present > 0
      ? [
          `${number(media.stored)} files ${dryRun ? "would be stored" : "stored"}, ${number(media.present)} were there (${bytes(media.bytes)})`,
        ]
      : []),
    ...(records.refused > 0 ? [`${number(records.refused)} records are refused`] : []),
    ...(disagreements > 0 ? [`${number(disagreements)} disagreements are kept as they are`] : []),
    ...(unread > 0 ? [`${number(unread)} files were not read`] : []),
    ...(records.refused + disagreements + unread > 0
      ? [`read which with: rehearsal import report ${id}`]
      : []),
  ];
  return `${table}\n${told.join("\n")}`;
}

const value = z.looseObject({ path: z.string(), at: z.string(), value: z.string().nullable() });

export const reportLine = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("refused"),
    record: z.string(),
    path: z.string(),
    at: z.string(),
    code: z.string(),
    reason: z.string(),
    hint: z.string(),
  }),
  z.looseObject({
    kind: z.literal("disagreement"),
    record: z.string(),
    what: z.string(),
    values: z.array(value),
  }),
  z.looseObject({ kind: z.literal("unread"), path: z.string(), reason: z.string() }),
]);

/** A part of a report: `more` when there are lines behind it. */
export const importReport = z.object({ task: z.string(), lines: z.array(reportLine), more: z.boolean() });

export type ReportLine = z.infer<typeof reportLine>;

export function describeLine(line: ReportLine): string {
  if (line.kind === "unread")
    return `not read: ${plain(line.path)}\n${facts({ because: plain(line.reason) })}`;
  if (line.kind === "disagreement") {
    const values = line.values.map(
      ({ path, at, value }) =>
        `${value === null ? "nothing" : plain(JSON.stringify(value))} in ${plain(path)} ${plain(at)}`,
    );
    return `disagreement: ${plain(line.record)} on ${plain(line.what)}\n${facts({ one: values[0] ?? "", other: values[1] ?? "" })}`;
  }
  const { path, at, code, reason, hint } = line;
  return `refused: ${plain(path)}${at === "" ? "" : ` at ${plain(at)}`}\n${facts({ reason: plain(reason), hint, code })}`;
}
