/**
 * The sweep takes what dead attempts have left, and nothing of anybody who is alive, kept or a stranger.
 *
 * Long because one service stands for whoever leaves something behind.
 */
import {
  CreateMultipartUploadCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { leftInBucket } from "../service/backup-of.ts";
import { contentOf } from "../service/content.ts";
import { LocalService, until } from "../service/local-service.ts";
import { eventTypes } from "../service/outcome.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
let s3: S3Client;

beforeAll(async () => {
  service = await new LocalService(server.address, "sweep", {
    // It would start the tasks that are made up here.
    reconcileSeconds: 3_600,
  }).start();
  s3 = new S3Client({ endpoint: service.stack.endpoints.s3 });
});

afterAll(async () => {
  s3.destroy();
  await service.stop();
  await dropDatabases(...made);
});

const bucket = () => service.variables.REHEARSAL_BUCKET ?? "";

async function put(...keys: string[]) {
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket(), Key, Body: "12345" }));
}

/** An upload with a part, as one is left whose process was killed. */
async function beginUpload(...keys: string[]) {
  for (const Key of keys) {
    const of = { Bucket: bucket(), Key };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(of));
    await s3.send(new UploadPartCommand({ ...of, UploadId, PartNumber: 1, Body: "12345" }));
  }
}

async function makeDatabases(...names: string[]) {
  for (const name of names) made.push(await freshDatabase(server, undefined, name));
}

async function databasesWith(...parts: string[]): Promise<string[]> {
  const found = await rows<{ name: string }>(
    server.address,
    `select datname as name from pg_database
      where exists (select from unnest($1::text[]) part where strpos(datname, part) > 0) order by 1`,
    [parts],
  );
  return found.map(({ name }) => name);
}

async function environment(name: string, policy: object): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `sweep_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

const sweep = () => service.stack.lambda.invoke("sweep", {});
const NOTHING = { payload: { uploads: [], folders: [], bytes: 0, strays: [], databases: [] } };

test("what ended and overtaken attempts left goes, what runs, is kept or belongs to a stranger stays, and the promotion beside it goes on", async () => {
  const release = await service.release(PROJECT);
  await environment("over", {});
  const over = await service.promote("over", release);
  await service.until(over, "promoted");
  // Its first back-up died with its work done, so the second attempt is the newest.
  const alive = await environment("alive", { decision: "approval" });
  service.gate("back-up:effect", "dies");
  const running = await service.promote("alive", release);
  await service.until(running, "waiting");
  expect(await sweep()).toEqual(NOTHING);

  const stranger = "p000000stranger";
  await beginUpload(
    `backups/over/${over}-1/11111111/data/1.zst`,
    `backups/alive/${running}-1/11111111/data/1.zst`,
    `backups/alive/${running}-2/11111111/data/1.zst`,
    `backups/alive/${stranger}-1/11111111/data/1.zst`,
    "releases/upload.bundle",
  );
  await put(
    `backups/over/${over}-7/11111111/toc.dump`,
    `backups/over/${over}-fence-1/11111111/data/1.zst`,
    `backups/over/${over}-8/11111111/toc.dump`,
    `backups/over/${over}-8/manifest.json`,
    `backups/alive/${running}-7/11111111/toc.dump`,
    `backups/alive/${stranger}-1/11111111/toc.dump`,
  );
  // Two exports: one has failed, the other is at its second attempt; a backup by a task that failed before it was one.
  await execute(
    service.control,
    `insert into ledger.tasks (id, kind, environment, input, requested_by, status, attempt) values
      ('t261121e0000000', 'export', 'over', '{"format": "custom"}', 'test', 'failed', 1),
      ('t261121e0000001', 'export', 'over', '{"format": "custom"}', 'test', 'running', 2),
      ('t261121b0000000', 'back-up', 'over', '{"backup": "b261121b0000000", "retention": "manual"}', 'test', 'failed', 1)`,
  );
  await beginUpload(
    "exports/t261121e0000000/1/files/1.dat",
    "exports/t261121e0000001/1/files/1.dat",
    "exports/t261121e0000001/2/files/1.dat",
    "backups/over/b261121b0000000/11111111/data/1.zst",
  );
  await put("backups/over/b261121b0000000/11111111/toc.dump");
  await makeDatabases("x__scratch_t261121e0000000_1", "x__scratch_t261121e0000001_1");
  const strangers = [`x__pristine_${stranger}_1`, `x__failed_${over}`, `x__fenced_${over}`];
  await makeDatabases(`x__pristine_${over}_1`, `y__rehearsed_${over}_2`, ...strangers);
  const copy = `${alive.database}__pristine_${running}_1`;

  // Twice at the same time: between them they take each thing at least once, and neither fails.
  const found = await Promise.all([sweep(), sweep()]);
  expect(found).toEqual([
    { payload: expect.objectContaining({ bytes: expect.any(Number) }) },
    { payload: expect.objectContaining({ bytes: expect.any(Number) }) },
  ]);
  const { keys, uploads } = await leftInBucket(service.stack.endpoints.s3, bucket(), "");
  expect(uploads.sort()).toEqual(
    [
      `backups/alive/${stranger}-1/11111111/data/1.zst`,
      `backups/alive/${running}-2/11111111/data/1.zst`,
      "exports/t261121e0000001/2/files/1.dat",
      "releases/upload.bundle",
    ].sort(),
  );
  const folders = new Set(
    keys.filter((key) => key.startsWith("backups/")).map((key) => key.split("/").slice(1, 3).join("/")),
  );
  expect([...folders].sort()).toEqual(
    [
      ...[`alive/${stranger}-1`, `alive/${running}-1`, `alive/${running}-2`, `alive/${running}-7`],
      ...[`over/${over}-1`, `over/${over}-8`],
    ].sort(),
  );
  expect(await databasesWith(over, running, stranger)).toEqual([copy, ...strangers].sort());
  expect(await databasesWith("t261121e000000")).toEqual(["x__scratch_t261121e0000001_1"]);
  expect(await sweep()).toEqual(NOTHING);

  // What was removed is told, and the log still holds.
  const told = await rows<{ body: { data: Record<string, unknown> } }>(
    service.control,
    "select body::jsonb as body from ledger.events where type = 'sweep.done' order by seq",
  );
  const all = JSON.stringify(told.map(({ body }) => body.data));
  for (const part of [
    `${over}-1/11111111/data/1.zst`,
    `${over}-7/`,
    `${over}-fence-1/`,
    `x__pristine_${over}_1`,
  ])
    expect(all).toContain(part);
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");

  // Beside the sweep the promotion goes on to its end; then what was its own is a leftover as well.
  const before = await contentOf(alive);
  await service.must("POST", `/promotions/${running}/approve`, {}, service.keys.reviewer);
  await service.until(running, "promoted");
  expect((await contentOf(alive)).fingerprint).not.toBe(before.fingerprint);
  expect(await eventTypes(service, running)).toContain("promotion.sealed");
  expect(await sweep()).toMatchObject({
    payload: {
      uploads: [`backups/alive/${running}-2/11111111/data/1.zst`],
      folders: [`backups/alive/${running}-7/`],
      bytes: 5,
      databases: [],
    },
  });
});

test("a whole backup without a record goes a week after its owner's end, and what Object Lock keeps when its date is over", async () => {
  const over = await service.promote("over", await service.release(PROJECT));
  await service.until(over, "nothing-to-do");
  const keysBelow = async () =>
    (await leftInBucket(service.stack.endpoints.s3, bucket(), "backups/over/")).keys.filter((key) =>
      key.includes(over),
    );
  const whole = ["11111111/toc.dump", "manifest.json"].map((name) => `backups/over/${over}-5/${name}`);
  await put(...whole);
  const before = await keysBelow();
  expect(await sweep()).toEqual(NOTHING);
  expect(await keysBelow()).toEqual(before);

  await s3.send(
    new PutObjectLockConfigurationCommand({
      Bucket: bucket(),
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
    }),
  );
  const lockUntil = new Date(Date.now() + 3_000);
  const locked = [`backups/over/${over}-6/11111111/toc.dump`, `backups/over/${over}-6/manifest.json`];
  const cutOff = `backups/over/${over}-7/11111111/toc.dump`;
  for (const Key of [...locked, cutOff])
    await s3.send(
      new PutObjectCommand({
        ...{ Bucket: bucket(), Key, Body: "12345" },
        ...{ ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: lockUntil },
      }),
    );
  await execute(
    service.control,
    `update ledger.promotions set ended_at = now() - interval '8 days' where id = '${over}'`,
  );
  // Nothing fails for it, hour by hour.
  expect(await sweep()).toMatchObject({ payload: { folders: [`backups/over/${over}-5/`], bytes: 10 } });
  expect(await keysBelow()).toEqual(
    [...before.filter((key) => !whole.includes(key)), ...locked, cutOff].sort(),
  );
  await until(async () => new Date() > lockUntil);
  expect(await sweep()).toMatchObject({
    payload: { folders: [`backups/over/${over}-6/`, `backups/over/${over}-7/`], bytes: 15 },
  });
  expect(await keysBelow()).toEqual(before.filter((key) => !whole.includes(key)));
});

test("a held promotion loses nothing, and a server that is away keeps no other from being swept", async () => {
  await environment("gone", {});
  await execute(
    service.control,
    `insert into ledger.promotions (id, environment, release, requested_by, status, policy, state_before)
      select id, environment, release, requested_by, status, policy, 'writeable' from
        (values ('p261121h0000000', 'held'), ('p261121e0000000', 'refused')) as made (id, status),
        (select environment, release, requested_by, policy from ledger.promotions where environment = 'over' limit 1) as like_this`,
  );
  await makeDatabases("x__pristine_p261121h0000000_1", "x__pristine_p261121e0000000_1");
  await beginUpload("backups/over/p261121h0000000-1/11111111/data/1.zst");
  await put("backups/over/p261121h0000000-1/11111111/toc.dump");
  const patient = { policy: { maintenanceDatabase: "not there", patience: 0 } };
  await service.must("PATCH", "/environments/gone", patient);
  expect(await sweep()).toMatchObject({ error: { errorType: "DatabaseUnreachable" } });
  expect(await databasesWith("p261121h0000000", "p261121e0000000")).toEqual([
    "x__pristine_p261121h0000000_1",
  ]);
  const left = await leftInBucket(service.stack.endpoints.s3, bucket(), "backups/over/p261121h0000000-1");
  expect(left).toMatchObject({ keys: [expect.any(String)], uploads: [expect.any(String)] });
});

test("fault 32: a process that is killed amid an upload leaves its parts: the promotion goes on, and the sweep takes them", async () => {
  const killed = await new Service(server.address, "sweep-killed").start();
  try {
    const address = await freshDatabase(server, `${SCHEMA} ${LONG}`, `sweep_killed_${process.pid}`);
    made.push(address);
    await killed.register("killed", address);
    const id = await killed.promote("killed", await killed.release(PROJECT));
    const left = (prefix: string) =>
      leftInBucket(
        killed.variables.AWS_ENDPOINT_URL_S3 ?? "",
        killed.variables.REHEARSAL_BUCKET ?? "",
        prefix,
      );
    await until(async () => (await left("backups/")).uploads.length > 0);
    await killed.kill();
    await killed.start();
    await killed.until(id, "promoted");
    const orphans = await left(`backups/killed/${id}-1/`);
    expect(orphans.uploads.length).toBeGreaterThan(0);
    expect(orphans.keys.length).toBeGreaterThan(0);

    expect(await sweepOf(killed)).toMatchObject({
      uploads: orphans.uploads,
      folders: [`backups/killed/${id}-1/`],
      databases: [],
    });
    expect(await left(`backups/killed/${id}-1/`)).toEqual({ keys: [], uploads: [] });
    expect((await left(`backups/killed/${id}-2/`)).keys).toContain(`backups/killed/${id}-2/manifest.json`);
  } finally {
    await killed.stop();
  }
});

test("fault 32: a process that is killed between a backup's manifest and its record leaves a whole backup, which the sweep takes a week later", async () => {
  const killed = await new Service(server.address, "sweep-unrecorded").start();
  try {
    const address = await freshDatabase(server, SCHEMA, `sweep_unrecorded_${process.pid}`);
    made.push(address);
    await killed.register("unrecorded", address);
    killed.killAt("back-up:effect");
    const id = await killed.promote("unrecorded", await killed.release(PROJECT));
    expect(await killed.ended()).toBe("SIGKILL");
    await killed.start();
    await killed.until(id, "promoted");
    const keys = async (backup: string) => {
      const { AWS_ENDPOINT_URL_S3 = "", REHEARSAL_BUCKET = "" } = killed.variables;
      return (await leftInBucket(AWS_ENDPOINT_URL_S3, REHEARSAL_BUCKET, `backups/unrecorded/${backup}/`))
        .keys;
    };
    const recorded = await keys(`${id}-2`);
    expect(await keys(`${id}-1`)).toContain(`backups/unrecorded/${id}-1/manifest.json`);

    const control = { ...server.address, database: killed.controlDatabase };
    expect(await sweepOf(killed)).toMatchObject({ folders: [] });
    await execute(control, "update ledger.promotions set ended_at = ended_at - interval '8 days'");
    expect(await sweepOf(killed)).toMatchObject({ folders: [`backups/unrecorded/${id}-1/`] });
    expect(await keys(`${id}-1`)).toEqual([]);
    expect(await keys(`${id}-2`)).toEqual(recorded);
    expect(await sweepOf(killed)).toMatchObject({ folders: [] });
  } finally {
    await killed.stop();
  }
});

/** The service is another process: the sweep runs here, with what that one tells of its surroundings. */
async function sweepOf({ variables }: Service) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  // A sandbox keeps its client of the bucket.
  vi.resetModules();
  const { handler } = await import("../../functions/events/sweep.ts");
  try {
    return await handler();
  } finally {
    Object.assign(process.env, before);
  }
}

/** One range of pages, and ten megabytes when compressed: two parts of an upload. */
const LONG = `create table long (id int primary key, body text);
  insert into long select g, (select string_agg(encode(sha256((random()::text || g || n)::bytea), 'base64'), '') from generate_series(1, 320) n)
    from generate_series(1, 1000) g;`;
