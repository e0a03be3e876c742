/** Imports of files through the service: by the command, within the rights of its roles, killed on the way, and never into production by a slip. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as aws from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { runCommand } from "../cli/command.ts";
import { removeTree, type Tree, writeTree } from "../io/import/tree.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { Service } from "../service/service.ts";
import { runTask, type Task, taskEnd } from "../service/tasks.ts";

const PROJECT = {
  "rehearsal.yaml": "project: jobs\n",
  "migrations/0001_jobs.sql": `create table jobs (id bigint generated always as identity primary key, reference text not null unique, status text not null);
create table media (id bigint generated always as identity primary key, job bigint not null references jobs, storage_key text not null unique, sha256 text not null);
`,
  "imports/legacy.yaml": `documents:
  scan: { files: "*.bin", as: file }
rows:
  job:
    table: jobs
    key: [reference]
    columns: { reference: $.reference, status: { path: $.status, required: true } }
  media:
    table: media
    from: scan
    key: [storage_key]
    media: { key: "media/{job.reference}/{file.name}" }
    columns: { job: { row: job }, storage_key: { media: key }, sha256: { media: sha256 } }
`,
};

/** More than one batch. */
const JOBS = 300;
/** One of them cannot be imported. */
const tree: Tree = Object.fromEntries(
  Array.from({ length: JOBS }, (_, number) => [
    [
      `j${number}/job_record.json`,
      JSON.stringify({ reference: `J${number}`, ...(number !== 5 && { status: "open" }) }),
    ],
    ...(number % 50 === 0 ? [[`j${number}/scan.bin`, `scan ${number}`]] : []),
  ]).flat(),
);

const server = newestServer();
let address: DatabaseAddress;
let service: Service;
let folder: string;
let client: aws.S3Client;

beforeAll(async () => {
  folder = await writeTree(tree);
  service = new Service(server.address, "file-imports", { permissions: "enforced" });
  await begin();
  address = await freshDatabase(server, undefined, `file_imports_${process.pid}`);
  await client.send(new aws.CreateBucketCommand({ Bucket: "applications" }));
  await client.send(
    new aws.PutBucketVersioningCommand({
      Bucket: "applications",
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );
  await service.register("legacy", address, { storage: { bucket: "applications", root: "legacy/" } });
  const files = { ...PROJECT, "inventory.yaml": "storage:\n  - media/\n" };
  await service.until(await service.promote("legacy", await service.release(files)), "promoted");
});

afterAll(async () => {
  client.destroy();
  await service.stop();
  await removeTree(folder);
  await dropDatabases(address);
});

async function begin() {
  client?.destroy();
  await service.start();
  Object.assign(process.env, service.variables);
  client = new aws.S3Client({});
}

const held = async () => [
  await rows(address, 'select reference, status from public.jobs order by reference collate "C"'),
  await rows(
    address,
    "select j.reference, m.storage_key, m.sha256 from public.media m join public.jobs j on j.id = m.job order by 1",
  ),
];

const wanted = [
  Array.from({ length: JOBS }, (_, number) => ({ reference: `J${number}`, status: "open" }))
    .filter(({ reference }) => reference !== "J5")
    .sort((one, other) => (one.reference < other.reference ? -1 : 1)),
  Array.from({ length: Math.ceil(JOBS / 50) }, (_, place) => ({
    reference: `J${place * 50}`,
    storage_key: `media/J${place * 50}/scan.bin`,
    sha256: sha256(`scan ${place * 50}`),
  })).sort((one, other) => (one.reference < other.reference ? -1 : 1)),
];

const path = "/environments/legacy/file-imports";

test("a folder is imported by the command, which ends with 3 for what was refused and tells it", async () => {
  const run = (...words: string[]) =>
    runCommand(["import", ...words], {
      variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    });
  const words = ["files", folder, "--import", "legacy", "--environment", "legacy"];
  const tried = await run(...words, "--dry-run", "--json");
  expect([tried.exit, JSON.parse(tried.out)]).toMatchObject([
    3,
    { outcome: { dryRun: true, records: { read: JOBS, imported: JOBS - 1, refused: 1 } } },
  ]);
  expect(await held()).toEqual([[], []]);
  // A folder of another machine is uploaded first, and goes away when it is in.
  const first = await run(...words, "--confirm", "legacy", "--upload", "--json");
  expect(first.exit).toBe(3);
  const task = JSON.parse(first.out) as Task;
  const watched = await runCommand(["watch", task.id], {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
  });
  expect(watched).toMatchObject({ exit: 3, out: expect.stringContaining("1 records are refused") });
  expect(await held()).toEqual(wanted);
  const told = await run("report", task.id, "--json");
  expect(JSON.parse(told.out)).toEqual({
    task: task.id,
    more: false,
    lines: [
      {
        ...{ kind: "refused", record: "j5/", path: "j5/job_record.json", at: "$.status" },
        ...{
          code: "ImportValueRefused",
          reason: "it is missing",
          hint: expect.stringContaining("import again"),
        },
      },
    ],
  });
  const out = join(folder, "../", `${task.id}.ndjson`);
  expect((await run("report", task.id, "--out", out)).exit).toBe(0);
  expect((await readFile(out, "utf8")).split("\n")).toHaveLength(2);
  await removeTree(out);
  const text = await run("report", task.id);
  expect(text.out).toContain("refused: j5/job_record.json at $.status");
  const again = await run(...words, "--confirm", "legacy");
  expect(again.out).toMatch(/job\s+0\s+0\s+299/);
  expect(service.denied()).toEqual([]);
});

test("a service that is killed amid an import goes on with it when it is there again, and all is as it would have been", async () => {
  await execute(address, "truncate media, jobs");
  const { id } = await service.must<Task>("POST", path, {
    source: { folder },
    import: "legacy",
    confirm: "legacy",
  });
  service.killAt("task-import-files:batch");
  await service.ended();
  service.killAt("task-import-files:stored");
  await begin();
  await service.ended();
  service.killAt("task-import-files:effect");
  await begin();
  await service.ended();
  service.killAt();
  await begin();
  const task = await taskEnd(service, id);
  expect(task).toMatchObject({
    status: "succeeded",
    outcome: {
      records: { read: JOBS, imported: JOBS - 1, refused: 1 },
      // Whoever died between COMMIT and its note is counted all the same.
      rows: { job: { inserted: JOBS - 1, updated: 0, unchanged: 0 } },
    },
  });
  expect(await held()).toEqual(wanted);
});

test("abuse 40: production is written to only when its name was said, and a folder is read only where the service runs beside it", async () => {
  const refused = async (body: object) => (await service.call("POST", path, body)).body;
  const source = { folder };
  expect(await refused({ source, import: "legacy" })).toMatchObject({
    code: "ImportOverProd",
    hint: expect.stringContaining("--confirm legacy"),
  });
  expect(await refused({ source, import: "legacy", confirm: "legcy" })).toMatchObject({
    code: "ImportOverProd",
  });
  expect(await refused({ source, import: "legcy", dryRun: true })).toMatchObject({
    code: "ImportUnknown",
    hint: 'did you mean "legacy"?',
  });
  expect(await refused({ source: { folder: "relative" }, import: "legacy" })).toMatchObject({
    code: "InputInvalid",
  });
  // Who may import may not have the service's machine read whatever it can.
  await service.must("POST", "/people", {
    name: "importer",
    grants: [{ environment: "legacy", role: "promoter" }],
  });
  const { key } = await service.must<{ key: string }>("POST", "/keys", { person: "importer", label: "test" });
  for (const kind of ["file", "sqlite"]) {
    const way = `/environments/legacy/${kind}-imports`;
    const answer = await service.call("POST", way, { source, import: "legacy", dryRun: true }, { key });
    expect(answer).toMatchObject({
      status: 403,
      body: { code: "Forbidden", hint: expect.stringContaining("admin") },
    });
  }
  const missing = await runTask(service, path, {
    ...{ source: { intake: "nothing" }, import: "legacy", confirm: "legacy" },
  });
  expect(missing.error).toMatchObject({ code: "ImportSourceMissing" });
  const tried = await runTask(service, path, { source, import: "legacy", dryRun: true });
  expect(tried).toMatchObject({ status: "succeeded", outcome: { records: { imported: JOBS - 1 } } });
});
