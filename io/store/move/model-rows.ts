/** The rows of models as a database has them: streamed, and read into what a store keeps. */

import { quoteName } from "../../../core/names.ts";
import type { StoreModel } from "../../../core/store/definition.ts";
import { type ContentSum, digestOfTexts, Summed } from "../../../core/store/digest.ts";
import { orderOf } from "../../../core/store/keys.ts";
import { rowOfTexts } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import type { CopySession } from "../../postgres/copy.ts";
import { copyLines } from "../../postgres/copy-lines.ts";
import { copyFields } from "../../postgres/import/copy-row.ts";
import { columnsOf, tableOf } from "../model-statements.ts";

export interface ReadRow {
  row: Row;
  digest: string;
  /** The texts of the columns that the rows were ordered by. */
  place: string[];
  /** Of the line that it came as. */
  bytes: number;
}

/** Rows in the order in which the server gave them. */
export interface RowBatch {
  rows: ReadRow[];
  bytes: number;
}

/** Rows of a batch at most, so that others of this process get their turn; and bytes, behind which it is given out. */
const BATCH = 500;
const BATCH_BYTES = 1024 ** 2;

/**
 * All rows of a model. With `by` they come in the order of these columns' texts, by their bytes, and within equal ones by their
 * keys; without it as they lie.
 */
export async function* modelRows(
  session: CopySession,
  model: StoreModel,
  by?: readonly string[],
): AsyncGenerator<RowBatch> {
  const places = (by ?? []).map((column) => `(t.${quoteName(column)})::text`);
  const order =
    by === undefined
      ? ""
      : ` order by ${[...places.map((place) => `${place} collate "C"`), orderOf(model, "t.")].join(", ")}`;
  const listed = [...places, columnsOf(model, "t.")].join(", ");
  const source = session.copyOut(`copy (select ${listed} from ${tableOf(model)} t${order}) to stdout`, {
    reuse: true,
  });
  let batch: RowBatch = { rows: [], bytes: 0 };
  for await (const lines of copyLines(source))
    for (const line of lines) {
      const fields = copyFields(line.toString("utf8", 0, line.length - 1));
      const place = fields.splice(0, places.length).map((text) => text ?? "");
      batch.rows.push({
        ...{ place, row: rowOfTexts(model, fields), bytes: line.length },
        digest: digestOfTexts(model, fields),
      });
      batch.bytes += line.length;
      if (batch.rows.length < BATCH && batch.bytes < BATCH_BYTES) continue;
      yield batch;
      batch = { rows: [], bytes: 0 };
    }
  if (batch.rows.length > 0) yield batch;
}

/** What a model holds as the session sees it. The rows are not read into what a store keeps: their digests cover the server's texts. */
export async function sumOfModel(
  session: CopySession,
  model: StoreModel,
  onRows: (bytes: number, rows: number) => void = () => {},
): Promise<ContentSum> {
  const summed = new Summed();
  const source = session.copyOut(`copy (select ${columnsOf(model)} from ${tableOf(model)}) to stdout`, {
    reuse: true,
  });
  for await (const lines of copyLines(source)) {
    let bytes = 0;
    for (const line of lines) {
      summed.add(digestOfTexts(model, copyFields(line.toString("utf8", 0, line.length - 1))));
      bytes += line.length;
    }
    onRows(bytes, lines.length);
  }
  return summed.sum();
}

/** What the planner believes a table to hold, in bytes, so that the largest are begun first. */
export const TABLE_BYTES = `select coalesce((select sum(pg_table_size(relid)) from pg_partition_tree($1::regclass) where isleaf),
  pg_table_size($1::regclass))::float8 as bytes`;
