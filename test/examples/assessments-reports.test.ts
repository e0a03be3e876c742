import { parse as parseCsv } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import readXlsxFile from "read-excel-file/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import type { Project } from "../../core/project.ts";
import type { ReportFormat } from "../../core/reporting/definition.ts";
import { prunedTables } from "../../core/reporting/reports.ts";
import { drawJob, fillProduction } from "../../examples/assessments/generate.ts";
import { runQuery } from "../../io/postgres/query.ts";
import { columnsOf, readReport } from "../../io/postgres/report-rows.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { openFormat } from "../../io/reporting/format.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { apply, assessmentsProject, register } from "./assessments-project.ts";

/** Of forty jobs thirty-four are archived, each with a final. */
const FINALS = Number(process.env.REHEARSAL_TEST_FINALS ?? 20_000);
const JOBS = Math.ceil(FINALS / 34) * 40;
const SHAPE = { seed: 5, rounds: 1, media: 0 };

let address: DatabaseAddress;
let project: Project;
let session: Session;
const exported = new Map<ReportFormat, Buffer>();

/** What a reader of any format has to find; numbers as the generator has them. */
interface Row {
  reference: string;
  kind: string;
  legacy_id: string;
  assessed_at: string;
  customer: string;
  customer_name: string;
  operator: string;
  purpose: string;
  condition: string;
  score: number;
  area_m2: number;
  findings: number;
  address: string;
  longitude: number;
  latitude: number;
  payload_sha256: string;
}

/** Of the generator's own plain objects: no SQL but what fetches the sealed texts has a part in it. */
let expected: Row[];

/** How many findings of each are critical, by the same objects. */
const critical = new Map<string, number>();

beforeAll(async () => {
  address = await freshDatabase(newestServer());
  await register(address);
  project = await assessmentsProject();
  await apply(address, project);
  session = await openSession(address, { application: "test" });
  // What the triggers do has tests of its own; here they would only take their time.
  const triggers = await session.query<{ sql: string }>(
    `select format('alter table %s disable trigger %I', tgrelid::regclass, tgname) as sql from pg_trigger
      where not tgisinternal and tgname <> 'seal_final'`,
  );
  await session.execute(triggers.map(({ sql }) => sql).join("; "));
  await fillProduction(session, { ...SHAPE, jobs: JOBS });
  const texts = await session.query<{ job: string; kind: string; text: string }>(
    "select job_id as job, kind, payload::text as text from public.job_finals",
  );
  const sealed = new Map(texts.map(({ job, kind, text }) => [`${job} ${kind}`, sha256(text)]));
  expected = Array.from({ length: JOBS }, (_, at) => at + 1).flatMap((number): Row[] => {
    const job = drawJob(number, SHAPE);
    const payload = job.correction ?? job.final;
    if (payload === null) return [];
    critical.set(
      payload.reference,
      payload.findings.filter(({ severity }) => severity === "critical").length,
    );
    return [
      {
        ...{ reference: payload.reference, kind: payload.kind, legacy_id: String(payload.legacyId) },
        ...{ assessed_at: payload.assessedAt, customer: payload.customer.reference },
        ...{ customer_name: job.customer.name, operator: payload.operator.reference },
        ...{ purpose: payload.form.purpose, condition: payload.form.condition, score: payload.form.score },
        ...{ area_m2: Number(payload.form.areaM2.toFixed(2)), findings: payload.findings.length },
        // A sum of floats; the database has the six digits that are meant.
        ...{ address: payload.site.address, longitude: Number(payload.site.longitude.toFixed(6)) },
        latitude: Number(payload.site.latitude.toFixed(6)),
        payload_sha256: sealed.get(`${number} ${payload.kind}`) ?? "",
      },
    ];
  });
  for (const [format, bytes] of await exportAll("finals")) exported.set(format, bytes);
}, 240_000);

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
});

/** A report's files, as the task makes them. */
async function exportAll(name: string): Promise<Map<ReportFormat, Buffer>> {
  const report = project.reporting.reports.find((one) => one.name === name);
  if (report === undefined) throw new Error(`there is no report ${name}`);
  const outputs = await Promise.all(
    report.formats.map(async (format) => ({
      format,
      writer: await openFormat(format, { report, columns: columnsOf(report) }),
      pieces: [] as Uint8Array[],
    })),
  );
  const reader = await openSession(address, { application: "test", readOnly: true });
  try {
    const pruned = prunedTables(project.inventory);
    await readReport(reader, report, { pruned, searchPath: ["public"] }, async (rows) => {
      for (const { writer, pieces } of outputs) pieces.push(...writer.add(rows));
    });
  } finally {
    await reader.close();
  }
  return new Map(
    outputs.map(({ format, writer, pieces }) => [format, Buffer.concat([...pieces, ...writer.end()])]),
  );
}

const bytesOf = (format: ReportFormat) => exported.get(format) ?? Buffer.alloc(0);

/** The first row that is another, for a message that people can read. */
function assertRows(found: readonly object[], wanted: readonly object[]): void {
  expect(found.length).toBe(wanted.length);
  const at = found.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(wanted[index]));
  expect(at === -1 ? "equal" : { at, found: found[at] }).toEqual(
    at === -1 ? "equal" : { at, found: wanted[at] },
  );
}

test("as many finals as were asked for are reported, corrections in their place", () => {
  expect(expected.length).toBeGreaterThanOrEqual(FINALS);
  expect(expected.some(({ kind }) => kind === "correction")).toBe(true);
  expect(expected.map(({ reference }) => reference)).toEqual(
    expected.map(({ reference }) => reference).sort(),
  );
});

test("the CSV is what the generator's objects say, every number to its last digit", () => {
  const found = parseCsv<Record<string, string>>(bytesOf("csv"), { columns: true });
  assertRows(
    found,
    expected.map((row) => ({
      ...row,
      score: String(row.score),
      area_m2: row.area_m2.toFixed(2),
      findings: String(row.findings),
      longitude: row.longitude.toFixed(6),
      latitude: row.latitude.toFixed(6),
    })),
  );
});

test("the XLSX is the same, numbers beyond fifteen digits as text", async () => {
  const sheets = await readXlsxFile(bytesOf("xlsx"), { trim: false });
  const [titles, ...rows] = sheets[0]?.data ?? [];
  expect(titles?.[2]).toBe("Old number");
  assertRows(
    rows.map((row) => row.map((cell) => (cell instanceof Date ? cell.toISOString() : cell))),
    expected.map((row) => [
      ...[row.reference, row.kind, row.legacy_id, row.assessed_at.replace("Z", ".000Z"), row.customer],
      ...[row.customer_name, row.operator, row.purpose, row.condition, row.score, row.area_m2],
      ...[row.findings, row.address, row.longitude, row.latitude, row.payload_sha256],
    ]),
  );
});

test("the Parquet is the same, integers as integers and times as times", async () => {
  const bytes = bytesOf("parquet");
  const found = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  assertRows(
    found.map((row) => ({
      ...row,
      legacy_id: String(row.legacy_id),
      assessed_at: row.assessed_at.toISOString().replace(".000Z", "Z"),
      score: Number(row.score),
      // The reader makes floats of decimals by a multiplication.
      area_m2: Number(row.area_m2.toFixed(2)),
      findings: Number(row.findings),
      longitude: Number(row.longitude.toFixed(6)),
      latitude: Number(row.latitude.toFixed(6)),
    })),
    expected,
  );
});

test("the GeoJSON has a point for each, where the generator has put it", () => {
  const found = JSON.parse(bytesOf("geojson").toString()) as {
    type: string;
    features: { geometry: { type: string; coordinates: number[] }; properties: Record<string, unknown> }[];
  };
  expect(found.type).toBe("FeatureCollection");
  assertRows(
    found.features.map(({ geometry, properties }) => ({
      reference: properties.reference,
      type: geometry.type,
      coordinates: geometry.coordinates,
      score: properties.score,
    })),
    expected.map(({ reference, longitude, latitude, score }) => ({
      ...{ reference, type: "Point", coordinates: [longitude, latitude], score },
    })),
  );
});

test("the query report-projection tells the same in every column, of all of them by itself", async () => {
  const query = project.queries.find(({ name }) => name === "report-projection");
  if (query === undefined) throw new Error("there is no report-projection");
  const reader = await openSession(address, { application: "test", readOnly: true });
  try {
    const run = {
      ...{ name: query.name, sql: query.sql, values: query.parameters.map(() => null) },
      ...{ searchPath: ["public"], rows: query.limit, seconds: 60, rowSecurity: false },
    };
    const { value: found, more } = await runQuery(reader, run, async ({ columns, batches }) => {
      const rows: Record<string, string | null>[] = [];
      for await (const batch of batches)
        for (const row of batch)
          rows.push(Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null])));
      return rows;
    });
    expect(more).toBe(false);
    assertRows(
      found.sort((one, other) => ((one.reference ?? "") < (other.reference ?? "") ? -1 : 1)),
      expected.map(({ customer_name: _, address: __, payload_sha256: ___, ...row }) => {
        const { longitude, latitude, findings, ...rest } = row;
        return {
          ...{ ...rest, assessed_at: row.assessed_at.replace("T", " ").replace("Z", "+00") },
          ...{ score: String(row.score), area_m2: row.area_m2.toFixed(2), findings: String(findings) },
          ...{ critical: String(critical.get(row.reference)) },
          ...{ longitude: longitude.toFixed(6), latitude: latitude.toFixed(6) },
        };
      }),
    );
  } finally {
    await reader.close();
  }
});

test("the same rows make the same bytes the next time", async () => {
  const [first, second] = [await exportAll("findings"), await exportAll("findings")];
  expect([...first.keys()]).toEqual(["csv", "parquet"]);
  for (const [format, bytes] of first)
    expect([format, sha256(bytes)]).toEqual([format, sha256(second.get(format) ?? "")]);
});

test("the findings are those of the payloads that are current", async () => {
  const files = await exportAll("findings");
  const found = parseCsv<Record<string, string>>(files.get("csv") ?? "", { columns: true });
  const wanted = Array.from({ length: JOBS }, (_, at) => at + 1).flatMap((number) => {
    const { final, correction } = drawJob(number, SHAPE);
    const payload = correction ?? final;
    return (payload?.findings ?? []).map(({ code, severity, note }, index) => ({
      ...{ reference: payload?.reference, number: String(index + 1), code, severity, note },
    }));
  });
  assertRows(found, wanted);
});
