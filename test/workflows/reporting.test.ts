/**
 * Reports and documents on a service: what is refused leaves no file, what is killed is healed, and the same payload makes the same bytes.
 * Long because the service and its records are made once.
 */
import * as aws from "@aws-sdk/client-s3";
import { parse as parseCsv } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { fillProduction } from "../../examples/assessments/generate.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { assessmentsFiles } from "../examples/assessments-project.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { Service } from "../service/service.ts";
import { runTask, succeed, type Task, taskEnd } from "../service/tasks.ts";

const JOBS = 30;
const BUCKET = "documents-of-assessments";

let service: Service;
let address: DatabaseAddress;
let session: Session;
let client: aws.S3Client;

beforeAll(async () => {
  service = new Service(newestServer().address, "reporting", { permissions: "enforced" });
  await begin();
  await client.send(new aws.CreateBucketCommand({ Bucket: BUCKET }));
  address = await freshDatabase(newestServer(), "", `reporting_${process.pid}`);
  const files = Object.fromEntries(
    [...(await assessmentsFiles())].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]),
  );
  const release = await service.release({
    ...files,
    // What the example need not show: a report whose function writes, and one that a view leads to a pruned table.
    "migrations/0007_more.sql": `create function noted() returns bigint language plpgsql as $$
        begin insert into public.customers (reference, name) values ('x', 'x'); return 1; end $$;
      create function counted() returns bigint language plpgsql stable as $$
        declare n bigint; begin execute 'select count(*) from public.job_' || 'rounds' into n; return n; end $$;`,
    ...report("writing", "select public.noted() as n", "{ type: integer }", 10),
    ...report("hidden", "select public.counted() as n", "{ type: integer }", 10),
    ...report(
      "endless",
      "select g::bigint as n from generate_series(1, 10000000) g",
      "{ type: integer }",
      5_000,
    ),
    ...report("other", "select 'x' as n", "{ type: integer }", 10),
    ...report("unordered", "select 1::bigint as n from generate_series(1, 2) g", "{ type: integer }", 10),
  });
  await service.register("prod", address);
  const id = await service.promote("prod", release);
  await service.until(id, "promoted");
  session = await openSession(address, { application: "test" });
  await fillProduction(session, { seed: 3, jobs: JOBS, rounds: 1, media: 1 });
});

afterAll(async () => {
  client.destroy();
  await session.close();
  await service.stop();
  await dropDatabases(address);
});

async function begin(): Promise<void> {
  client?.destroy();
  await service.start();
  Object.assign(process.env, service.variables);
  client = new aws.S3Client({});
}

function report(name: string, sql: string, type: string, rows: number): Record<string, string> {
  return {
    [`reports/${name}.yaml`]: `description: ${name}\nformats: [csv]\ncolumns: { n: ${type} }\norder: [n]\nrows: ${rows}\n`,
    [`reports/${name}.sql`]: `${sql}\n`,
  };
}

const run = (name: string) => runTask(service, `/environments/prod/reports/${name}/runs`);

const regenerate = (body: object) => succeed(service, "/environments/prod/documents/assessment/runs", body);

async function filesOf(task: Task): Promise<Map<string, Buffer>> {
  const { files } = await service.must<{ files: { name: string; sha256: string; url: string }[] }>(
    "GET",
    `/tasks/${task.id}/files`,
  );
  const fetched = await Promise.all(
    files.map(async ({ name, sha256: promised, url }) => {
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
      expect([name, sha256(bytes)]).toEqual([name, promised]);
      return [name, bytes] as const;
    }),
  );
  return new Map(fetched);
}

const objectOf = async (key: string) => {
  const found = await client.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key: `prod/${key}` }));
  return Buffer.from((await found.Body?.transformToByteArray()) ?? []);
};

async function versionsOf(Prefix: string): Promise<number> {
  const { Versions = [] } = await client.send(new aws.ListObjectVersionsCommand({ Bucket: BUCKET, Prefix }));
  return Versions.length;
}

/** Keys that the runs of a task have left. */
async function exportedBy({ id }: Task): Promise<string[]> {
  const Bucket = service.variables.REHEARSAL_BUCKET;
  const { Contents = [] } = await client.send(
    new aws.ListObjectsV2Command({ Bucket, Prefix: `exports/${id}/` }),
  );
  return Contents.map(({ Key = "" }) => Key);
}

interface ArtifactRow {
  key: string;
  sha256: string;
  bytes: string;
  from: string | null;
  is: string;
}

/** What the rows say of a job's outputs, and what its current payload is. */
const rowsOf = (job: number) =>
  session.query<ArtifactRow>(
    `select storage_key as key, a.sha256, size_bytes::text as bytes, a.payload_sha256 as from,
        (select f.payload_sha256 from public.job_finals f where f.job_id = a.job_id order by f.kind limit 1) as is
      from public.artifacts a where a.job_id = $1 and retained order by kind`,
    [job],
  );

async function assertMade(job: number): Promise<void> {
  const rows = await rowsOf(job);
  expect(rows).toHaveLength(3);
  for (const row of rows) {
    const bytes = await objectOf(row.key);
    expect([row.key, sha256(bytes), String(bytes.length), row.is]).toEqual([
      row.key,
      row.sha256,
      row.bytes,
      row.from,
    ]);
  }
}

test("a report is exported with its manifest, which is written last and tells what the files are", async () => {
  const task = await run("finals");
  expect(task).toMatchObject({ status: "succeeded", outcome: { report: "finals", files: 4 } });
  const files = await filesOf(task);
  expect([...files.keys()]).toEqual([
    ...["finals.csv", "finals.geojson", "finals.parquet", "finals.xlsx", "manifest.json"],
  ]);
  const manifest = JSON.parse(files.get("manifest.json")?.toString() ?? "");
  const [{ finals } = { finals: 0 }] = await session.query<{ finals: number }>(
    "select count(distinct job_id)::int as finals from public.job_finals",
  );
  expect(manifest).toMatchObject({
    format: "rehearsal-report/1",
    report: "finals",
    environment: "prod",
    rows: finals,
  });
  for (const { name, size, sha256: hash } of manifest.files)
    expect([files.get(name)?.length, sha256(files.get(name) ?? "")]).toEqual([size, hash]);
  expect(parseCsv(files.get("finals.csv") ?? "", { columns: true })).toHaveLength(finals);
  expect(service.denied()).toEqual([]);
});

test("fault 1: killed before the manifest, the next attempt makes the whole again, and nothing of the first stays", async () => {
  service.killAt("task-report:written");
  const { id } = await service.must<Task>("POST", "/environments/prod/reports/finals/runs");
  await service.ended();
  await begin();
  const task = await taskEnd(service, id);
  expect(task).toMatchObject({ status: "succeeded", attempt: 2 });
  expect((await filesOf(task)).size).toBe(5);
  expect(await exportedBy(task)).toHaveLength(5);
});

test.each([
  ["writes in a function", "writing", "QueryFailed"],
  ["gives ten million rows", "endless", "ReportTooLong"],
  ["reads pruned rounds by SQL that is put together", "hidden", "ReportReadsPruned"],
  ["gives another type", "other", "ReportColumnsDiffer"],
  ["does not order its rows", "unordered", "ReportOrderUnclear"],
])("abuse 38: a report that %s is refused, and leaves no file", async (_what, name, code) => {
  const task = await run(name);
  expect(task.error?.code).toBe(code);
  expect(task.error?.hint).not.toBe("");
  expect(await exportedBy(task)).toEqual([]);
  expect(await session.query("select 1 from public.customers where reference = 'x'")).toEqual([]);
});

test("what is no report of the release is told at once", async () => {
  const answer = await service.call("POST", "/environments/prod/reports/nothing/runs");
  expect(answer).toMatchObject({ status: 404, body: { code: "NotFound" } });
  const document = await service.call("POST", "/environments/prod/reports/assessment/runs");
  expect(document.status).toBe(404);
});

test("documents are not made where nothing keeps their older versions", async () => {
  const unset = await service.call("POST", "/environments/prod/documents/assessment/runs", {
    records: ["7"],
  });
  expect(unset).toMatchObject({ status: 409, body: { code: "StorageUnset" } });
  await versioning("Enabled");
  const storage = { bucket: BUCKET, root: "prod/" };
  await service.must("PATCH", "/environments/prod", { policy: { storage } });
  await versioning("Suspended");
  const task = await runTask(service, "/environments/prod/documents/assessment/runs", { records: ["7"] });
  expect(task.error).toMatchObject({ code: "StorageUnversioned", hint: expect.stringMatching(/./) });
  await versioning("Enabled");
});

test("documents are made of the correction, or else the final, and their rows say of what", async () => {
  const task = await regenerate({ records: ["7", "17", "1", "no number"] });
  expect(task.outcome).toMatchObject({ records: 2, written: 6, unchanged: 0, refused: 2 });
  expect(task.outcome?.refusals).toMatchObject([
    { record: "1", code: "SnapshotMissing" },
    { record: "no number", code: "SnapshotMissing" },
  ]);
  for (const job of [7, 17]) await assertMade(job);
  const geojson = JSON.parse((await objectOf("documents/A-000017/map.geojson")).toString());
  const [{ payload } = { payload: {} as { site: { longitude: number } } }] = await session.query<{
    payload: { site: { longitude: number } };
  }>("select payload from public.job_finals where job_id = 17 and kind = 'correction'");
  expect(geojson.features[0].geometry.coordinates[0]).toBe(payload.site.longitude);
  const acts = await session.query("select 1 from rehearsal.acts where kind = 'regenerate'");
  expect(acts).toHaveLength(2);
  expect(service.denied()).toEqual([]);
});

test("abuse 33: a row that names a key elsewhere has no object put over, and the other records are made", async () => {
  const name = (key: string) =>
    session.execute(`alter table public.artifacts disable trigger guard_artifact;
      update public.artifacts set storage_key = '${key}' where job_id = 7 and kind = 'pdf';
      alter table public.artifacts enable always trigger guard_artifact`);
  await name("reviews/A-000007/1.json");
  const task = await regenerate({ records: ["7", "17"] });
  expect(task.outcome).toMatchObject({ records: 1, written: 0, unchanged: 3, refused: 1 });
  expect(task.outcome?.refusals).toMatchObject([{ record: "7", code: "ArtifactKeyRefused" }]);
  expect(await versionsOf("prod/reviews/A-000007/1.json")).toBe(0);
  await name("documents/A-000007/report.pdf");
});

test("made again of the same payload nothing changes: neither a byte, nor a version, nor a row", async () => {
  const before = await rowsOf(7);
  const task = await regenerate({ records: ["7"] });
  expect(task.outcome).toMatchObject({ records: 1, written: 0, unchanged: 3 });
  expect(await versionsOf("prod/documents/A-000007/")).toBe(3);
  expect(await rowsOf(7)).toEqual(before);
});

test("a new correction makes its documents stale, alone; the older version stays in the bucket", async () => {
  await regenerate({});
  await correct(17, "'corrected once more'");
  const task = await regenerate({});
  expect(task.outcome).toMatchObject({ records: 1, refused: 0 });
  await assertMade(17);
  expect(await versionsOf("prod/documents/A-000017/report.pdf")).toBe(2);
  // Its place is what it was, so are the map's bytes.
  expect(await versionsOf("prod/documents/A-000017/map.geojson")).toBe(1);
});

test.each(["stored", "committed"])(
  "fault 1: killed at %s, the documents and their rows agree in the end",
  async (point) => {
    await correct(29, `'killed at ${point}'`);
    service.killAt(`task-regenerate:${point}`);
    const { id } = await service.must<Task>("POST", "/environments/prod/documents/assessment/runs", {});
    await service.ended();
    await begin();
    expect((await taskEnd(service, id)).status).toBe("succeeded");
    expect(service.unfired()).toEqual([]);
    await assertMade(29);
  },
);

test("abuse 36: what cannot be printed is refused by name, and the others are made", async () => {
  await correct(17, "'漢字'");
  await correct(29, "repeat('=1+1 <b>\\u202e', 50)");
  const task = await regenerate({});
  expect(task.outcome).toMatchObject({
    records: 2,
    refused: 1,
    refusals: [{ record: "17", code: "PayloadUnfit" }],
  });
  await assertMade(29);
});

test("a payload that is not what was sealed is refused, whoever changed it", async () => {
  await session.execute(`alter table public.job_finals disable trigger user, drop constraint payloads_are_intact;
    update public.job_finals set payload = payload || '{"transcript": "forged"}' where job_id = 7;
    alter table public.job_finals enable trigger user`);
  const before = await rowsOf(7);
  const task = await regenerate({ records: ["7"] });
  expect(task.outcome).toMatchObject({
    records: 1,
    written: 0,
    refused: 1,
    refusals: [{ code: "SnapshotDamaged" }],
  });
  expect(await rowsOf(7)).toEqual(before);
});

const versioning = (Status: "Enabled" | "Suspended") =>
  client.send(new aws.PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status } }));

/** Writes the correction of a job that has one. */
async function correct(job: number, transcript: string): Promise<void> {
  await session.query(
    `update public.job_finals set payload = jsonb_set(payload, '{transcript}', to_jsonb(${transcript}::text))
      where job_id = $1 and kind = 'correction'`,
    [job],
  );
}
