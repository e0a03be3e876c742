/** A report as a FeatureCollection after RFC 7946, a feature a row; every number is written as the database has it. */
import { RehearsalError } from "../../core/errors.ts";
import { geometryOf, pointOf, type ReadGeometry } from "../../core/reporting/geometry.ts";
import type { NamedColumn, ReportRow, ReportValue } from "../../core/reporting/value.ts";
import type { OpenFormat } from "./format.ts";

export const openGeojson: OpenFormat = ({ report, columns }) => {
  const { geometry } = report;
  if (geometry === undefined) throw new Error(`${report.path} has no geometry`);
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const places =
    "geojson" in geometry ? [place(geometry.geojson)] : [place(geometry.longitude), place(geometry.latitude)];
  const others = columns.flatMap((column, at) => (places.includes(at) ? [] : [{ column, at }]));
  let rows = 0;

  const feature = (row: ReportRow): string => {
    rows++;
    const found = geometryAt(row, places);
    if (found !== null && "problem" in found) {
      const names = places.map((at) => columns[at]?.name).join(", ");
      throw new RehearsalError("ReportValueUnfit", {
        ...{ report: report.name, column: names, row: rows, problem: found.problem },
      });
    }
    const properties = others.map(
      ({ column, at }) => `${JSON.stringify(column.name)}:${jsonOf(column, row[at] ?? null)}`,
    );
    return `{"type":"Feature","geometry":${found?.json ?? "null"},"properties":{${properties.join(",")}}}`;
  };
  const start = () => (rows === 0 ? '{"type":"FeatureCollection","features":[\n' : ",\n");
  return {
    add: (batch) => {
      const text = batch.map((row) => start() + feature(row)).join("");
      return [Buffer.from(text)];
    },
    end: () => [Buffer.from(`${rows === 0 ? start() : "\n"}]}\n`)],
  };
};

/** Null where the row has no place: RFC 7946 calls such a feature unlocated. */
function geometryAt(row: ReportRow, places: readonly number[]): ReadGeometry | null {
  const [one = null, other = null] = places.map((at) => row[at] ?? null);
  if (places.length === 1) return one === null || one === "null" ? null : geometryOf(one);
  if (one === null && other === null) return null;
  if (one === null || other === null) return { problem: "is one half of a position" };
  return pointOf(one, other);
}

/** What JSON writes without quotes is written as the database has it. */
function jsonOf({ type }: NamedColumn, value: ReportValue): string {
  if (value === null) return "null";
  return /^(integer|decimal|double|boolean|json)$/.test(type) ? value : JSON.stringify(value);
}
