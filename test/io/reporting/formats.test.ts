import { parse as parseCsv } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import readXlsxFile from "read-excel-file/node";
import { expect, test } from "vitest";
import { sha256 } from "../../../core/digest.ts";
import { REPORT_FORMATS, type ReportFormat } from "../../../core/reporting/definition.ts";
import { unquoteFormula } from "../../../core/reporting/formula.ts";
import type { Report } from "../../../core/reporting/reports.ts";
import type { ReportRow } from "../../../core/reporting/value.ts";
import { columnsOf } from "../../../io/postgres/report-rows.ts";
import { openFormat } from "../../../io/reporting/format.ts";
import { readZip } from "../../../io/reporting/zip.ts";
import { refusalOf } from "../../refusal.ts";

const REPORT: Report = {
  ...{ name: "hostile", path: "reports/hostile.yaml", sql: "reports/hostile.sql", sha256: "", statement: "" },
  ...{ description: "what people write", formats: [...REPORT_FORMATS], order: ["n"] },
  ...{ rows: 1_000, minutes: 1, formulas: "quoted", geometry: { geojson: "place" } },
  columns: {
    n: { type: "integer" },
    words: { type: "text", title: '=cmd|" /C calc"!A0' },
    amount: { type: "decimal", precision: 38, scale: 2 },
    at: { type: "timestamp" },
    day: { type: "date" },
    data: { type: "json" },
    place: { type: "json" },
  },
};

async function written(format: ReportFormat, rows: readonly ReportRow[], batch = 3): Promise<Buffer> {
  const writer = await openFormat(format, { report: REPORT, columns: columnsOf(REPORT) });
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < rows.length; at += batch) pieces.push(...writer.add(rows.slice(at, at + batch)));
  return Buffer.concat([...pieces, ...writer.end()]);
}

const HOSTILE = [
  "=1+1",
  "+SUM(A1:A9)",
  "-2",
  "@cmd",
  "\t=1",
  "'=1",
  "'tis",
  '<script>alert("1")</script> & </t>',
  'a "quote", a comma; a\nline\r\nbreak',
  "\u202Eright to left\u2066",
  "\u0001\u001F\u007F",
  "_x0041_",
  "",
  "😀 Ünïcödé",
  "__proto__",
];

const POINT = '{"type": "Point", "coordinates": [7.1, 50.7]}';

const ROWS: ReportRow[] = HOSTILE.map((words, at) => [
  String(9_007_199_254_740_993n + BigInt(at)),
  words,
  "123456789012345678901234567890123456.78",
  "2024-02-29T23:59:59.123Z",
  at === 0 ? "1899-12-31" : "2024-02-29",
  '{"__proto__": {"a": 1}, "n": 12345678901234567890123456789, "html": "</script>"}',
  at === 1 ? null : POINT,
]);
ROWS.push(["1", null, null, null, null, null, null]);

test("abuse 36: hostile texts and huge numbers come out of CSV as they went in, and none is computed", async () => {
  const bytes = await written("csv", ROWS);
  const rows = parseCsv(bytes, { from: 2 });
  expect(rows.map((row) => unquoteFormula(row[1] ?? ""))).toEqual([...HOSTILE, ""]);
  for (const row of rows) expect(row[1] ?? "").not.toMatch(/^[=+\-@\t\r]/);
  expect(rows[0]?.[0]).toBe("9007199254740993");
  expect(rows[0]?.[2]).toBe("123456789012345678901234567890123456.78");
  // Null and empty text are two things.
  expect(bytes.toString().split("\r\n").at(-2)).toBe("1,,,,,,");
  expect(bytes.toString()).toContain('9007199254741005,"",');
});

test("abuse 36: the same out of XLSX, where text is text and no number is rounded", async () => {
  const [sheet] = await readXlsxFile(await written("xlsx", ROWS), { trim: false });
  const [titles, ...rows] = sheet?.data ?? [];
  expect(titles?.[1]).toBe('=cmd|" /C calc"!A0');
  expect(rows.slice(0, -1).map((row) => String(row[1] ?? ""))).toEqual(HOSTILE);
  expect(rows[0]?.[0]).toBe("9007199254740993");
  expect(rows[0]?.[2]).toBe("123456789012345678901234567890123456.78");
  expect(rows[0]?.[3]).toEqual(new Date("2024-02-29T23:59:59.123Z"));
  // Days before Excel's calendar is right are written as text.
  expect(rows[0]?.[4]).toBe("1899-12-31");
  expect(rows[0]?.[5]).toContain("12345678901234567890123456789");
  const [xml] = Object.entries(readZip(await written("xlsx", ROWS))).filter(([name]) => /sheet1/.test(name));
  expect(Buffer.from(xml?.[1] ?? []).toString()).not.toMatch(/<f>|<script>/);
});

test("abuse 36: the same out of Parquet, decimals to their last digit", async () => {
  const bytes = await written("parquet", ROWS);
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  expect(rows.map(({ words }) => words ?? null)).toEqual([...HOSTILE, null]);
  expect(rows[0]?.n).toBe(9_007_199_254_740_993n);
  expect(rows[0]?.at.toISOString()).toBe("2024-02-29T23:59:59.123Z");
  expect(JSON.parse(rows[0]?.data)).toHaveProperty("html");
  // Its reader makes a float of a decimal; the bytes hold all of it.
  const unscaled = Buffer.from(
    12_345_678_901_234_567_890_123_456_789_012_345_678n.toString(16).padStart(32, "0"),
    "hex",
  );
  expect(bytes.includes(unscaled)).toBe(true);
});

test("abuse 36: the same out of GeoJSON, every number as the database has it", async () => {
  const text = (await written("geojson", ROWS)).toString();
  const { features } = JSON.parse(text) as {
    features: { properties: Record<string, unknown>; geometry: unknown }[];
  };
  expect(features.map(({ properties }) => properties.words)).toEqual([...HOSTILE, null]);
  expect(features[1]?.geometry).toBeNull();
  expect(text).toContain('"n": 12345678901234567890123456789');
  expect(text).toContain('"amount":123456789012345678901234567890123456.78');
});

test("no rows make files that say so", async () => {
  expect((await written("csv", [])).toString()).toBe("n,words,amount,at,day,data,place\r\n");
  expect((await readXlsxFile(await written("xlsx", [])))[0]?.data).toHaveLength(1);
  expect(await parquetReadObjects({ file: new Uint8Array(await written("parquet", [])).buffer })).toEqual([]);
  expect(JSON.parse((await written("geojson", [])).toString())).toEqual({
    type: "FeatureCollection",
    features: [],
  });
});

test("the same rows make the same bytes, however they come", async () => {
  for (const format of REPORT_FORMATS)
    expect([format, sha256(await written(format, ROWS, 1))]).toEqual([
      format,
      sha256(await written(format, ROWS, 100)),
    ]);
});

test("what a format cannot hold is refused, with its row", async () => {
  const row = (words: string, place: string) => [["1", words, null, null, null, null, place]];
  expect(await refusalOf(() => written("xlsx", row("x".repeat(32_768), POINT)))).toMatchObject({
    code: "ReportValueUnfit",
    message:
      'row 1 of the report "hostile" has a value in words that has 32768 characters, where XLSX holds 32767',
    hint: expect.stringMatching(/nothing was exported/),
  });
  expect(
    await refusalOf(() => written("geojson", row("x", '{"type": "Point", "coordinates": [200, 0]}'))),
  ).toMatchObject({ code: "ReportValueUnfit", message: expect.stringContaining("outside the earth") });
});
