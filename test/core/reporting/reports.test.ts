import { expect, test } from "vitest";
import { checkProject, type ProjectFile } from "../../../core/project.ts";
import { parseReportDefinition } from "../../../core/reporting/definition.ts";
import { geometryOf, pointOf } from "../../../core/reporting/geometry.ts";
import { readValue } from "../../../core/reporting/value.ts";
import { refusalOf } from "../../refusal.ts";

const RETENTION = `retention:
  jobs:
    root: jobs
    archived: { status: archived }
    since: archived_at
    prune: [{ table: job_rounds }]
`;

const REPORT = `description: finals
formats: [csv]
columns: { id: { type: integer } }
order: [id]
`;

/** A project whose one report has this statement. */
function project(sql: string, more: Record<string, string> = {}): ProjectFile[] {
  const files: Record<string, string> = {
    "rehearsal.yaml": "project: reports\n",
    "inventory.yaml": RETENTION,
    "migrations/0001_make.sql": `create table jobs (id bigint primary key, status text, archived_at timestamptz);
      create table job_rounds (id bigint primary key, job_id bigint not null references jobs);
      create function rounds_of() returns setof bigint language sql stable as 'select id from job_rounds';
      create function counted() returns bigint language plpgsql stable as 'begin return (select count(*) from rounds); end';`,
    "views/rounds.sql":
      "create or replace view rounds as select r.id from (select id from public.job_rounds) r;",
    "views/more.sql": "create or replace view more as select id from rounds;",
    "reports/finals.yaml": REPORT,
    "reports/finals.sql": sql,
    ...more,
  };
  return Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
}

test.each([
  ["itself", "select id from job_rounds", ""],
  ["by its schema", "select id from public.job_rounds", ""],
  ["in a subquery", "select id from jobs where id in (select job_id from job_rounds)", ""],
  ["in a CTE", "with r as (select id from job_rounds) select id from r", ""],
  ["through views", "select id from more", " through view rounds"],
  ["through a function", "select rounds_of as id from rounds_of()", " through function rounds_of"],
  ["through a function in PL/pgSQL and a view", "select counted() as id", " through view rounds"],
])("a report that reads a pruned table is refused with its release: %s", async (_how, sql, through) => {
  const refused = await refusalOf(() => checkProject(project(sql)));
  expect(refused).toMatchObject({
    code: "ReportReadsPruned",
    message: `the report "finals" reads public.job_rounds${through}, which the retention policy "jobs" prunes`,
  });
  expect(refused.hint).toMatch(/^read what stays/);
});

test("a report that reads what stays is taken, and a name that WITH gives is no table", async () => {
  const found = await checkProject(
    project("with job_rounds as (select id from jobs) select id from job_rounds"),
  );
  expect(found.reporting.reports).toMatchObject([{ name: "finals", rows: 1_000_000, order: ["id"] }]);
});

test.each([
  ["writes", "with gone as (delete from jobs returning id) select id from gone", "QueryFileRefused"],
  ["is two statements", "select id from jobs; select 1", "QueryFileRefused"],
  ["locks", "select id from jobs for update", "QueryFileRefused"],
  ["makes a table", "select id into copied from jobs", "QueryFileRefused"],
  ["reads files of the server", "select length(pg_read_file('/etc/passwd')) as id", ""],
  [
    "takes parameters",
    "-- rehearsal: parameter a text\nselect id from jobs where status = :a",
    "ConfigInvalid",
  ],
])("abuse 38: a report that %s is refused with its release", async (_what, sql, code) => {
  const refused = await refusalOf(() => checkProject(project(sql)));
  if (code !== "") expect(refused.code).toBe(code);
  expect(refused.hint).not.toBe("");
});

test("a report whose SQL is not there is refused", async () => {
  const files = project("select id from jobs").filter(({ path }) => path !== "reports/finals.sql");
  expect(await refusalOf(() => checkProject(files))).toMatchObject({
    code: "ConfigInvalid",
    message: "reports/finals.yaml is not valid: sql: there is no reports/finals.sql",
  });
});

const definitionOf = (text: string) => () => parseReportDefinition("reports/finals.yaml", Buffer.from(text));

test.each([
  ["an unknown key", `${REPORT}rowz: 3\n`, /the key "rowz" is not known/],
  ["an order by what it lacks", REPORT.replace("[id]", "[idd]"), /order: idd is none of its columns/],
  ["geojson without geometry", REPORT.replace("[csv]", "[geojson]"), /geometry: it is there for geojson/],
  ["a decimal without precision", REPORT.replace("integer", "decimal"), /a decimal says its precision/],
  ["a format twice", REPORT.replace("[csv]", "[csv, csv]"), /each format once/],
  ["a path outside", `${REPORT}sql: ../finals.sql\n`, /a file beside it/],
])("a definition with %s is refused", async (_what, text, message) => {
  const refused = await refusalOf(definitionOf(text));
  expect(refused.code).toBe("ConfigInvalid");
  expect(refused.message).toMatch(message);
});

const DOCUMENT = `description: the report
document:
  snapshots: { table: finals, record: id, payload: payload, sha256: sha, current: [{ kind: final }] }
  artifacts: { table: artifacts, record: id, key: key, prefix: made/, sha256: sha, bytes: bytes, madeFrom: made }
  outputs: [{ format: pdf, where: { kind: pdf } }]
  title: "Job {$.reference}"
  content: [{ heading: "{$.name}" }]
`;

test("a document is read, and one with a template that is none is refused", async () => {
  expect(definitionOf(DOCUMENT)()).toMatchObject({ name: "finals", document: { language: "en" } });
  for (const [from, to, message] of [
    ["{$.name}", "{name}", /it is no text with paths in braces/],
    ['content: [{ heading: "{$.name}" }]', "", /content: it is empty/],
    ["format: pdf", "format: geojson", /geojson: it is there for an output/],
    ["- heading", "- headline", /./],
  ] as const)
    if (DOCUMENT.includes(from)) {
      const refused = await refusalOf(definitionOf(DOCUMENT.replace(from, to)));
      expect(refused.message).toMatch(message);
    }
});

test("abuse 33: a document whose objects may lie in a folder that is never touched is refused with its release", async () => {
  const checked = (prefix: string) => () =>
    checkProject(
      project("select id from jobs", {
        "inventory.yaml": `${RETENTION}storage:\n  - { prefix: logs/, purpose: logs, keep: never-delete }\n`,
        "reports/finals.yaml": DOCUMENT.replace("made/", prefix),
      }),
    );
  for (const [prefix, message] of [
    ["logs/app/", /"logs\/app\/" and "logs\/" overlap/],
    ["l", /it ends with a slash/],
    ['""', /prefix/],
    ["/logs/", /no slash at its beginning/],
  ] as const) {
    const refused = await refusalOf(checked(prefix));
    expect([refused.code, refused.message]).toEqual(["ConfigInvalid", expect.stringMatching(message)]);
  }
  expect((await checked("logs/")()).reporting.documents).toHaveLength(1);
});

test("abuse 36: values that are not of their column are told, never bent", () => {
  const decimal = { type: "decimal", precision: 5, scale: 2 } as const;
  expect(readValue(decimal, "7")).toBe("7.00");
  expect(readValue(decimal, "-0.000")).toBe("0.00");
  expect(readValue(decimal, "123.450")).toBe("123.45");
  expect(readValue(decimal, "1234.5")).toEqual({ problem: "does not fit into decimal(5, 2): 1234.5" });
  expect(readValue(decimal, "0.001")).toEqual({ problem: "does not fit into decimal(5, 2): 0.001" });
  expect(readValue(decimal, "NaN")).toEqual({ problem: "is NaN" });
  expect(readValue({ type: "double" }, "Infinity")).toEqual({ problem: "is Infinity" });
  expect(readValue({ type: "timestamp" }, "2024-01-02 03:04:05.6+00")).toBe("2024-01-02T03:04:05.6Z");
  expect(readValue({ type: "timestamp" }, "infinity")).toHaveProperty("problem");
  expect(readValue({ type: "date" }, "0044-03-15 BC")).toHaveProperty("problem");
});

test("geometries are closed, on the earth and turned the right way, and keep their digits", () => {
  expect(pointOf("13.4000000000000000001", "52.5")).toEqual({
    json: '{"type":"Point","coordinates":[13.4000000000000000001,52.5]}',
  });
  expect(pointOf("181", "0")).toHaveProperty("problem");
  const clockwise = '{"type":"Polygon","coordinates":[[[0,0],[0,1.10],[1,1],[0,0]]],"bbox":[1]}';
  expect(geometryOf(clockwise)).toEqual({
    json: '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1.10],[0,0]]]}',
  });
  for (const bad of [
    '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1]]]}',
    '{"type":"Point","coordinates":["1","2"]}',
    '{"type":"Point","coordinates":[1]}',
    '{"type":"Point","coordinates":[1,2],"crs":{}}',
    '{"type":"Circle","coordinates":[1,2]}',
    "[]",
    `${'{"type":"GeometryCollection","geometries":['.repeat(6)}${"]}".repeat(6)}`,
  ])
    expect(geometryOf(bad)).toHaveProperty("problem");
});
