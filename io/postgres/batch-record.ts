/** How far a batch is, kept in the target beside its rows: written in the transaction of each slice, so that neither is without the other. */
import { RehearsalError } from "../../core/errors.ts";
import type { RunItem } from "../../core/runs.ts";
import type { Session } from "./session.ts";
import { BATCHES } from "./target-schema.ts";

export interface BatchRecord {
  sha256: string;
  promotion: string;
  /** The last key of the last slice; null before the first. */
  cursor: string | null;
  /** The largest key when it began; null when there was no row. */
  upperBound: string | null;
  /** Rows that the statement changed. */
  rows: number;
  /** Rows that the slices went over, of as many as there were by estimate. */
  visited: number;
  expected: number;
  slices: number;
  /** Spent in slices, not between them. */
  milliseconds: number;
  done: boolean;
}

/** What stands of a file's batch; throws `BatchChanged` when that was begun with another content. */
export async function readBatch(session: Session, item: RunItem): Promise<BatchRecord | undefined> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.batches') is not null as there",
  );
  if (!known?.there) return undefined;
  const [row] = await session.query<BatchRecord>(
    `select sha256, promotion, cursor, upper_bound as "upperBound", rows::float8 as rows, visited::float8 as visited,
        expected::float8 as expected, slices, milliseconds::float8 as milliseconds, done
      from rehearsal.batches where path = $1`,
    [item.path],
  );
  if (row !== undefined && row.sha256 !== item.sha256)
    throw new RehearsalError("BatchChanged", { path: item.path, promotion: row.promotion });
  return row;
}

/** Installations of before have no such table: it comes with the first slice, and goes with it if that is taken back. */
export async function ensureBatches(session: Session): Promise<void> {
  await session.execute(BATCHES);
}

/** Writes how far it is. Must be in the transaction that has taken the token, which keeps others from writing. */
export async function writeBatch(session: Session, path: string, record: BatchRecord): Promise<void> {
  const { sha256, promotion, cursor, upperBound, rows, visited, expected, slices, milliseconds, done } =
    record;
  await session.query(
    `insert into rehearsal.batches (path, sha256, promotion, cursor, upper_bound, rows, visited, expected, slices, milliseconds, done)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      on conflict (path) do update set promotion = excluded.promotion, cursor = excluded.cursor, rows = excluded.rows,
        visited = excluded.visited, slices = excluded.slices, milliseconds = excluded.milliseconds, done = excluded.done`,
    [
      ...[path, sha256, promotion, cursor, upperBound],
      ...[rows, visited, expected, slices, Math.round(milliseconds), done],
    ],
  );
}
