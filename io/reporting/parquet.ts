/** A report as Parquet: row groups of bounded size, compressed with Snappy; json columns are texts. */
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import {
  microseconds,
  type NamedColumn,
  type ReportRow,
  type ReportValue,
} from "../../core/reporting/value.ts";
import type { OpenFormat } from "./format.ts";

/** A row group ends with the first of these that it reaches; in memory it is several times its text. */
const GROUP_ROWS = 50_000;
const GROUP_CHARACTERS = 8 * 1024 ** 2;

export const openParquet: OpenFormat = ({ columns }) => {
  const writer = new Taken();
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: "rows", num_children: columns.length }, ...columns.map(elementOf)],
    createdBy: "rehearsal",
  });
  let group: ReportRow[] = [];
  let characters = 0;
  const flush = () => {
    if (group.length === 0) return;
    const columnData = columns.map(
      (column, at): ColumnSource => ({
        name: column.name,
        data: group.map((row) => physical(column, row[at] ?? null)),
      }),
    );
    parquet.write({ columnData, rowGroupSize: group.length });
    group = [];
    characters = 0;
  };
  return {
    add: (rows) => {
      for (const row of rows) {
        group.push(row);
        for (const value of row) characters += value?.length ?? 0;
        if (group.length >= GROUP_ROWS || characters >= GROUP_CHARACTERS) flush();
      }
      return writer.take();
    },
    end: () => {
      flush();
      parquet.finish();
      return writer.take();
    },
  };
};

/** Gives away what was written; the offsets count on. */
class Taken extends ByteWriter {
  take(): Uint8Array[] {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes.length === 0 ? [] : [bytes];
  }
}

type Element = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

function elementOf(column: NamedColumn): Element {
  const { name, type, precision = 38, scale = 0 } = column;
  const plain = { name, repetition_type: "OPTIONAL" } as const;
  switch (type) {
    case "integer":
      return { ...plain, type: "INT64" };
    case "decimal":
      return {
        ...plain,
        ...(precision <= 18
          ? { type: "INT64" as const }
          : { type: "FIXED_LEN_BYTE_ARRAY" as const, type_length: 16 }),
        ...{ converted_type: "DECIMAL" as const, precision, scale },
      };
    case "double":
      return { ...plain, type: "DOUBLE" };
    case "boolean":
      return { ...plain, type: "BOOLEAN" };
    case "date":
      return { ...plain, type: "INT32", converted_type: "DATE" };
    case "timestamp":
      return { ...plain, type: "INT64", converted_type: "TIMESTAMP_MICROS" };
    case "text":
    case "json":
      return { ...plain, type: "BYTE_ARRAY", converted_type: "UTF8" };
  }
}

const DAY = 86_400_000;

function physical({ type }: NamedColumn, value: ReportValue): string | number | bigint | boolean | null {
  if (value === null) return null;
  switch (type) {
    case "integer":
      return BigInt(value);
    case "decimal":
      return BigInt(value.replace(".", ""));
    case "double":
      return Number(value);
    case "boolean":
      return value === "true";
    case "date":
      return Date.parse(`${value}T00:00:00Z`) / DAY;
    case "timestamp":
      return microseconds(value);
    case "text":
    case "json":
      return value;
  }
}
