/** What the rehearsal says of backfills in slices: how fast they went on the copy, and how long production will take. */
import type { BatchDirective } from "./batch-directive.ts";
import { predictSeconds } from "./batch-pace.ts";
import type { BatchStanding } from "./batch-progress.ts";
import { bytes, code, duration } from "./report-words.ts";

export interface BatchMeasure {
  path: string;
  /** Quoted, as the directive names it. */
  table: string;
  /** Rows that the statement changed, and that its slices went over. */
  rows: number;
  visited: number;
  slices: number;
  /** On the copy, where no slice rests. */
  milliseconds: number;
  /** Milliseconds of the longest slice: whoever writes one of its rows waits no longer. */
  longestSlice: number;
  rowsPerSecond: number;
  /** Of the write-ahead log. */
  bytes: number;
  /** On production, which has the copy's rows: with the rests that rate and pause ask for, without waiting for standbys. */
  predictedSeconds: number;
}

/** A batch that has come to its end on the copy. */
export function measureBatch(
  path: string,
  directive: Pick<BatchDirective, "table" | "rate" | "pause">,
  standing: BatchStanding & { rows: number },
  measured: { longestSlice: number; walBytes: number },
): BatchMeasure {
  const { rows, visited, slices, milliseconds } = standing;
  return {
    path,
    table: directive.table,
    rows,
    visited,
    slices,
    milliseconds,
    longestSlice: measured.longestSlice,
    rowsPerSecond: milliseconds > 0 ? Math.round((visited * 1_000) / milliseconds) : 0,
    bytes: measured.walBytes,
    predictedSeconds: predictSeconds(standing, directive),
  };
}

/** The section of the Markdown report; nothing when no file ran in slices. */
export function batchSection(batches: readonly BatchMeasure[] = []): string[] {
  if (batches.length === 0) return [];
  return [
    "## Backfills in slices",
    "",
    "| file | table | rows changed | rows gone over | slices | the longest | rows a second | WAL | on production |",
    "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ...batches.map((batch) => `| ${batchCells(batch, code).join(" | ")} |`),
    "",
  ];
}

/** One batch as cells, the names in them marked as such by `name`. */
export function batchCells<Name>(batch: BatchMeasure, name: (text: string) => Name): (Name | string)[] {
  return [
    name(batch.path),
    name(batch.table),
    String(batch.rows),
    String(batch.visited),
    String(batch.slices),
    duration(batch.longestSlice),
    String(batch.rowsPerSecond),
    bytes(batch.bytes),
    `about ${duration(batch.predictedSeconds * 1_000)}`,
  ];
}
