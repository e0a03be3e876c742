/**
 * What a promotion does with stored objects and configuration: recorded, put back, captured, and refused where they cannot be.
 * Long because all of it happens on one service, and each scene is a whole promotion.
 */
import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as aws from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openConfiguration } from "../../functions/configuration.ts";
import { readCopyObject } from "../../io/ledger/copies.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { openSecrets } from "../../io/secrets.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { type Detail, Service } from "../service/service.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const server = newestServer();
const made: DatabaseAddress[] = [];
let service: Service;
let client: aws.S3Client;
let smoke: Hook;
/** What the release's services do when they are asked whether they work. */
let asked: () => Promise<number> = async () => 200;

beforeAll(async () => {
  smoke = await startHook(() => asked());
  service = new Service(server.address, "storage", { permissions: "enforced" });
  await begin();
});

afterAll(async () => {
  client.destroy();
  await service.stop();
  await smoke.stop();
  await dropDatabases(...made);
});

/** The service's process, and this one's clients of what it stands on. */
async function begin() {
  client?.destroy();
  await service.start();
  Object.assign(process.env, service.variables);
  client = new aws.S3Client({});
}

async function bucketOf(name: string, Status?: "Enabled" | "Suspended"): Promise<string> {
  await client.send(new aws.CreateBucketCommand({ Bucket: name }));
  if (Status !== undefined) await setVersioning(name, Status);
  return name;
}

const setVersioning = (Bucket: string, Status: "Enabled" | "Suspended") =>
  client.send(new aws.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));

const put = (Bucket: string, Key: string, Body: string, more: object = {}) =>
  client.send(new aws.PutObjectCommand({ Bucket, Key, Body, ...more }));

const remove = (Bucket: string, Key: string, VersionId?: string) =>
  client.send(new aws.DeleteObjectCommand({ Bucket, Key, VersionId }));

/** Every object of a bucket, with all that an application would see of it. */
async function contentsOf(Bucket: string) {
  const { Contents = [] } = await client.send(new aws.ListObjectsV2Command({ Bucket }));
  const entries = Contents.map(async ({ Key = "" }) => {
    const found = await client.send(new aws.GetObjectCommand({ Bucket, Key }));
    const { Metadata, ContentType, CacheControl } = found;
    return [Key, { text: await found.Body?.transformToString(), Metadata, ContentType, CacheControl }];
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<string, { text?: string }>;
}

async function versionsOf(Bucket: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const { Versions = [] } = await client.send(new aws.ListObjectVersionsCommand({ Bucket }));
  for (const { Key = "" } of Versions) counts[Key] = (counts[Key] ?? 0) + 1;
  return counts;
}

async function environment(name: string, policy: object): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `${name.replaceAll("-", "_")}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

/** The lines of one of a promotion's lists, and its head. */
async function listOf(id: string, name: string) {
  const head = await artifact(id, `${name}.json`);
  const { format, areas } = JSON.parse(head) as {
    format: string;
    areas: { bucket: string; prefix: string; parts: { key: string }[] }[];
  };
  expect(format).toBe("rehearsal-storage/1");
  const store = openObjectStore({ bucket: service.variables.REHEARSAL_BUCKET ?? "" });
  const lines: Record<string, unknown>[] = [];
  for (const { key } of areas.flatMap(({ parts }) => parts))
    for (const line of Buffer.from(await store.get(key))
      .toString()
      .trimEnd()
      .split("\n"))
      lines.push(JSON.parse(line));
  store.close();
  return { areas: areas.map(({ bucket, prefix }) => ({ bucket, prefix })), lines };
}

async function artifact(id: string, name: string): Promise<string> {
  const { body } = await service.call<{ url: string }>(
    "GET",
    `/promotions/${id}/artifacts/${name}`,
    undefined,
    { headers: { accept: "application/json" } },
  );
  return (await fetch(body.url)).text();
}

async function eventsOf(id: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { entries } = await service.must<{ entries: { body: string }[] }>(
    "GET",
    `/promotions/${id}/log?limit=200`,
  );
  return entries.map(({ body }) => JSON.parse(body));
}

const outcomeOf = ({ steps }: Detail, step: string) =>
  steps.findLast((one) => one.step === step && one.status === "succeeded")?.outcome;

const approve = (id: string) => service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);

test("what a release did to stored objects is taken back byte for byte, what is new stays, and what the application did before the fence stays", async () => {
  const bucket = await bucketOf("videos-media", "Enabled");
  const described = {
    Metadata: { uploader: "somebody" },
    ContentType: "video/mp4",
    CacheControl: "max-age=60",
  };
  for (const name of ["kept", "overwritten", "deleted", "redescribed", "by-the-application"])
    await put(bucket, `prod/media/${name} ü+1.mp4`, `the ${name} film`, described);
  await put(bucket, "prod/exports/1.zip", "an export");
  await put(bucket, "prod/logs/1.txt", "not guarded");
  const address = await environment("media", {
    decision: "approval",
    hooks: { smoke: smoke.url },
    storage: { bucket, root: "prod/", prefixes: ["exports/"] },
  });
  const release = await service.release({
    ...PROJECT,
    "inventory.yaml": "storage:\n  - media/\n  - prefix: media/thumbnails/\n    note: inside the first\n",
  });
  const id = await service.promote("media", release);
  await service.until(id, "waiting");
  await put(bucket, "prod/media/by-the-application ü+1.mp4", "changed while the approval was waited for");
  await put(bucket, "prod/media/uploaded.mp4", "meanwhile", described);
  await remove(bucket, "prod/exports/1.zip");
  const [before, database] = [await contentsOf(bucket), await contentOf(address)];
  asked = async () => {
    await put(bucket, "prod/media/overwritten ü+1.mp4", "ruined");
    await put(bucket, "prod/media/redescribed ü+1.mp4", "the redescribed film");
    await remove(bucket, "prod/media/deleted ü+1.mp4");
    await put(bucket, "prod/media/new.mp4", "made by the release");
    await put(bucket, "prod/exports/1.zip", "made anew by the release");
    await put(bucket, "prod/logs/1.txt", "not guarded, and changed");
    return 500;
  };
  await approve(id);
  const detail = await service.until(id, "rolled-back");
  expect(await contentOf(address)).toEqual(database);
  const after = await contentsOf(bucket);
  expect(after).toMatchObject({
    "prod/media/new.mp4": { text: "made by the release" },
    "prod/exports/1.zip": { text: "made anew by the release" },
    "prod/logs/1.txt": { text: "not guarded, and changed" },
  });
  const guarded = (all: object) =>
    Object.entries(all).filter(([key]) => key.startsWith("prod/media/") && !key.endsWith("new.mp4"));
  expect(guarded(after)).toEqual(guarded(before));
  // Two prefixes, five and one objects at the backup; six and none at the fence.
  expect(outcomeOf(detail, "back-up")).toMatchObject({ storage: { objects: 6 } });
  expect(outcomeOf(detail, "fence")).toMatchObject({ storage: { objects: 6 } });
  expect(outcomeOf(detail, "roll-back")).toMatchObject({
    path: "swap",
    storage: { putBack: { objects: 3 }, kept: { objects: 2 }, lost: { objects: 0 } },
  });
  const areas = [
    { bucket, prefix: "prod/exports/" },
    { bucket, prefix: "prod/media/" },
  ];
  const kept = await listOf(id, "roll-back/1/storage-kept");
  expect(kept.areas).toEqual(areas);
  expect(kept.lines.map(({ key }) => key)).toEqual(["prod/exports/1.zip", "prod/media/new.mp4"]);
  // What was taken away is not gone: it stands in the list by its version.
  const putBack = await listOf(id, "roll-back/1/storage-put-back");
  const ruined = putBack.lines.find(({ key }) => key === "prod/media/overwritten ü+1.mp4");
  const taken = await client.send(
    new aws.GetObjectCommand({
      Bucket: bucket,
      Key: String(ruined?.key),
      VersionId: String(ruined?.replaced),
    }),
  );
  expect(await taken.Body?.transformToString()).toBe("ruined");
  expect((await listOf(id, "backup/1/storage")).lines).toHaveLength(6);
});

test("fault 39: a rollback that is killed between two stored objects goes on where it was, and puts none back twice", async () => {
  const bucket = await bucketOf("killed-media", "Enabled");
  const keys = Array.from({ length: 45 }, (_, number) => `media/${number}`);
  await Promise.all(keys.map((key) => put(bucket, key, `film ${key}`, { Metadata: { of: key.slice(6) } })));
  const before = await contentsOf(bucket);
  const address = await environment("killed", {
    hooks: { smoke: smoke.url },
    storage: { bucket, prefixes: ["media/"] },
  });
  const database = await contentOf(address);
  asked = async () => {
    await Promise.all(keys.map((key) => put(bucket, key, "ruined")));
    return 500;
  };
  service.killAt("roll-back:object-put-back");
  const id = await service.promote("killed", await service.release(PROJECT));
  expect(await service.ended()).toBe("SIGKILL");
  await begin();
  const detail = await service.until(id, "rolled-back");
  expect(await contentsOf(bucket)).toEqual(before);
  expect(await contentOf(address)).toEqual(database);
  expect(await versionsOf(bucket)).toEqual(Object.fromEntries(keys.map((key) => [key, 3])));
  expect(outcomeOf(detail, "roll-back")).toMatchObject({
    storage: { putBack: { objects: 45 }, kept: { objects: 0 }, lost: { objects: 0 } },
  });
});

test("a recorded version that has expired is told loudly, and keeps neither the database nor the other objects from going back", async () => {
  const bucket = await bucketOf("expired-media", "Enabled");
  const { VersionId } = await put(bucket, "media/expired", "film");
  await put(bucket, "media/other", "film");
  const address = await environment("expired", {
    hooks: { smoke: smoke.url },
    storage: { bucket, prefixes: ["media/"] },
  });
  const database = await contentOf(address);
  asked = async () => {
    await put(bucket, "media/expired", "ruined");
    await put(bucket, "media/other", "ruined");
    // As a lifecycle rule does it.
    await remove(bucket, "media/expired", VersionId);
    return 500;
  };
  const id = await service.promote("expired", await service.release(PROJECT));
  const detail = await service.until(id, "rolled-back");
  expect(await contentOf(address)).toEqual(database);
  expect(await contentsOf(bucket)).toMatchObject({
    "media/expired": { text: "ruined" },
    "media/other": { text: "film" },
  });
  expect(outcomeOf(detail, "roll-back")).toMatchObject({
    storage: { putBack: { objects: 1 }, lost: { objects: 1 } },
  });
  expect(detail.error).toMatchObject({
    code: "HookFailed",
    hint: expect.stringMatching(
      /"media\/expired" in "expired-media": its version .* is gone.*roll-back\/1\/storage-lost\.json/,
    ),
  });
  expect((await eventsOf(id)).find(({ type }) => type === "promotion.storage-not-put-back")).toMatchObject({
    data: { code: "StorageNotPutBack", message: expect.stringContaining("media/expired") },
  });
  expect((await listOf(id, "roll-back/1/storage-lost")).lines).toMatchObject([
    { key: "media/expired", versionId: VersionId, reason: expect.stringContaining("is gone") },
  ]);
});

test("a list that is damaged is told loudly, and what can be read of it goes back", async () => {
  const bucket = await bucketOf("damaged-media", "Enabled");
  await put(bucket, "media/1", "film");
  await put(bucket, "pictures/1", "picture");
  const address = await environment("damaged", {
    hooks: { smoke: smoke.url },
    storage: { bucket, prefixes: ["media/", "pictures/"] },
  });
  const database = await contentOf(address);
  asked = async () => {
    await put(bucket, "media/1", "ruined");
    await put(bucket, "pictures/1", "ruined");
    const artifacts = openObjectStore({ bucket: service.variables.REHEARSAL_BUCKET ?? "" });
    for await (const { key } of artifacts.list("backups/damaged/"))
      if (key.endsWith("storage/1/000001.jsonl")) await artifacts.put(key, Buffer.from("{}"));
    artifacts.close();
    return 500;
  };
  const id = await service.promote("damaged", await service.release(PROJECT));
  const detail = await service.until(id, "rolled-back");
  expect(await contentOf(address)).toEqual(database);
  expect(await contentsOf(bucket)).toMatchObject({
    "media/1": { text: "ruined" },
    "pictures/1": { text: "picture" },
  });
  expect(detail.error).toMatchObject({
    hint: expect.stringMatching(/all or the rest of "media\/": .*not the list that was written/),
  });
});

test("a bucket that is gone holds the promotion with the database back, and the rollback goes on when it is there again", async () => {
  const bucket = await bucketOf("gone-media", "Enabled");
  await put(bucket, "media/1", "film");
  const address = await environment("gone", {
    hooks: { smoke: smoke.url },
    storage: { bucket, prefixes: ["media/"] },
  });
  const database = await contentOf(address);
  asked = async () => {
    const { Versions = [] } = await client.send(new aws.ListObjectVersionsCommand({ Bucket: bucket }));
    for (const { Key = "", VersionId } of Versions) await remove(bucket, Key, VersionId);
    await client.send(new aws.DeleteBucketCommand({ Bucket: bucket }));
    return 500;
  };
  const id = await service.promote("gone", await service.release(PROJECT));
  expect((await service.until(id, "held")).error).toMatchObject({
    code: "BucketMissing",
    hint: expect.stringContaining("bucket's name"),
  });
  expect(await contentOf(address)).toEqual(database);
  await bucketOf(bucket, "Enabled");
  await service.must("POST", `/promotions/${id}/rollback`, { confirm: "gone" });
  const detail = await service.until(id, "rolled-back");
  expect(outcomeOf(detail, "roll-back")).toMatchObject({ storage: { lost: { objects: 1 } } });
  expect(await contentOf(address)).toEqual(database);
});

test("a bucket that keeps no versions is refused when it is named, and when it has stopped keeping them", async () => {
  const plain = await bucketOf("plain-media");
  const suspended = await bucketOf("suspended-media", "Suspended");
  const later = await bucketOf("later-media", "Enabled");
  const address = await environment("unversioned", { storage: { bucket: later, prefixes: ["media/"] } });
  const before = await contentOf(address);
  const change = (policy: object) => service.call("PATCH", "/environments/unversioned", { policy });
  for (const [bucket, versioning] of [
    [plain, "off"],
    [suspended, "suspended"],
  ])
    expect(await change({ storage: { bucket, prefixes: ["media/"] } })).toMatchObject({
      status: 409,
      body: {
        code: "StorageUnversioned",
        detail: expect.stringContaining(`versioning is ${versioning}`),
        hint: expect.stringContaining("put-bucket-versioning"),
      },
    });
  expect(await change({ storage: { bucket: "nobody-made-it", prefixes: ["media/"] } })).toMatchObject({
    status: 404,
    body: { code: "BucketMissing", hint: expect.stringContaining("bucket's name") },
  });
  const own = service.variables.REHEARSAL_BUCKET;
  expect(await change({ storage: { bucket: own, prefixes: ["log/"] } })).toMatchObject({
    status: 409,
    body: { code: "StorageUnfit", hint: expect.stringContaining("storage.bucket") },
  });
  const register = await service.call("POST", "/environments", {
    name: "never",
    role: "prod",
    url: "postgresql://nobody@127.0.0.1:1/nowhere",
    policy: { storage: { bucket: plain, prefixes: ["media/"] } },
  });
  expect(register).toMatchObject({ status: 409, body: { code: "StorageUnversioned" } });
  await setVersioning(later, "Suspended");
  const id = await service.promote("unversioned", await service.release(PROJECT));
  expect((await service.until(id, "refused")).error).toMatchObject({
    code: "StorageUnversioned",
    hint: expect.stringContaining(later),
  });
  expect(await contentOf(address)).toEqual(before);
  await setVersioning(later, "Enabled");
  expect((await change({ storage: { bucket: later } })).status).toBe(200);
  const none = await service.promote("unversioned", await service.release(PROJECT));
  expect((await service.until(none, "refused")).error).toMatchObject({
    code: "StorageUnfit",
    hint: expect.stringContaining("inventory.yaml"),
  });
});

test("configuration is captured sealed, the log tells where it lies, and only the wrapping key opens it", async () => {
  const secret = "TOP-5ECRET-VALUE";
  const bucket = await bucketOf("videos-configuration");
  await put(bucket, "prod/.env", `KEY=${secret}-s3\n`);
  await openSecrets().writeSecret("videos/api-key", `${secret}-sm`);
  const parameters = new SSMClient({});
  // More than one answer of Parameter Store holds.
  const below = Array.from(
    { length: 12 },
    (_, place) => `/videos/prod/${place % 2 ? "deep/" : ""}p${100 + place}`,
  );
  for (const name of below)
    await parameters.send(
      new PutParameterCommand({ Name: name, Value: `${secret}${name}`, Type: "SecureString" }),
    );
  parameters.destroy();
  for (const [name, text] of Object.entries({
    ".env": `A=${secret}-a`,
    ".env.local": `B=${secret}-b`,
    ".workspace-role": "prod",
    "other.txt": "no",
  }))
    await writeFile(join(service.folder, name), text);
  const items = [
    "secret:videos/api-key",
    "parameter:/videos/prod/*",
    "parameter:/videos/prod/p100",
    `s3://${bucket}/prod/*`,
    `file:${service.folder}/.env*`,
    `file:${service.folder}/.workspace-role`,
  ];
  asked = async () => 200;
  await environment("configured", { configuration: items });
  const inventory = { "inventory.yaml": "storage: [media/]" };
  const id = await service.promote("configured", await service.release({ ...PROJECT, ...inventory }));
  const detail = await service.until(id, "promoted");
  // What a release keeps in storage and nobody guards is said, not passed over.
  expect(outcomeOf(detail, "admit")).toMatchObject({ unguarded: ["media/"] });
  expect(outcomeOf(detail, "back-up")).toMatchObject({ configuration: 18 });
  const [event] = (await eventsOf(id)).filter(({ type }) => type === "configuration.captured");
  if (event === undefined) throw new Error("the log tells nothing of it");
  const held = [
    ["secret:videos/api-key", `${secret}-sm`],
    ...[...below].sort().map((name) => [`parameter:${name}`, `${secret}${name}`]),
    ["parameter:/videos/prod/p100", `${secret}/videos/prod/p100`],
    [`s3://${bucket}/prod/.env`, `KEY=${secret}-s3\n`],
    [`file:${service.folder}/.env`, `A=${secret}-a`],
    [`file:${service.folder}/.env.local`, `B=${secret}-b`],
    [`file:${service.folder}/.workspace-role`, "prod"],
  ];
  const names = held.map(([item]) => item);
  const { record, captured } = event.data as {
    record: string;
    captured: { item: string; object: string }[];
  };
  expect(record).toBe(`backups/configured/${id}-1/configuration.json`);
  expect(captured.map(({ item }) => item)).toEqual(names);
  // Nothing that the service wrote or tells has a value in it.
  const told = [JSON.stringify(await eventsOf(id)), JSON.stringify(detail)];
  const store = openObjectStore({ bucket: service.variables.REHEARSAL_BUCKET ?? "" });
  for await (const { key } of store.list("")) {
    const bytes = await store.get(key);
    const copy = key.startsWith("ledger/") ? JSON.stringify(readCopyObject(bytes)) : "";
    told.push(Buffer.from(bytes).toString("latin1"), copy);
  }
  expect(told.filter((text) => text.includes(secret))).toEqual([]);

  const key = await openSecrets().readSecret(service.variables.REHEARSAL_CONFIGURATION_SECRET ?? "");
  const opened: [string, string][] = [];
  for await (const { item, bytes } of openConfiguration(store, key, record))
    opened.push([item, Buffer.from(bytes).toString()]);
  expect(opened).toEqual(held);
  // The runbook's own module, as an operator runs it.
  const runbook = await readFile(join(ROOT, "docs/runbook.md"), "utf8");
  const [, script = ""] = /^```js\n(.*?openConfiguration.*?)^```$/ms.exec(runbook) ?? [];
  const out = join(service.folder, "opened");
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: ROOT,
    env: {
      ...process.env,
      BUCKET: service.variables.REHEARSAL_BUCKET,
      SECRET: service.variables.REHEARSAL_CONFIGURATION_SECRET,
      RECORD: record,
      OUT: out,
    },
  });
  expect(stdout.trimEnd().split("\n")).toEqual(names.map((name, index) => `${index + 1} ${name}`));
  expect(await readFile(join(out, "3"), "utf8")).toBe(held[2]?.[1]);
  expect((await stat(join(out, "3"))).mode & 0o777).toBe(0o600);
  const open = async (wrapping: string) => {
    for await (const _ of openConfiguration(store, wrapping, record));
  };
  const another = Buffer.alloc(32, 7).toString("base64");
  expect(await refusalOf(() => open(another))).toMatchObject({
    code: "SealBroken",
    hint: expect.stringContaining("earlier version of the secret"),
  });
  const [first, second] = captured;
  if (first === undefined || second === undefined) throw new Error("eighteen were captured");
  await store.put(first.object, await store.get(second.object));
  expect(await refusalOf(() => open(key))).toMatchObject({
    code: "SealBroken",
    message: expect.stringContaining(first.object),
  });
  store.close();
});

test("configuration that cannot be read is refused before production is touched", async () => {
  for (const [name, item] of Object.entries({
    "no-secret": "secret:nobody/wrote-it",
    "no-parameter": "parameter:/nobody/wrote-it",
    "no-path": "parameter:/nobody/*",
    "no-object": "s3://nobody-made-it/.env",
    "no-file": `file:${service.folder}/.nothing*`,
  })) {
    const address = await environment(name, { configuration: [item] });
    const before = await contentOf(address);
    const id = await service.promote(name, await service.release(PROJECT));
    const detail = await service.until(id, "refused");
    expect(detail.error).toMatchObject({
      code: "ConfigurationUnreadable",
      message: expect.stringContaining(item),
      hint: expect.stringContaining("policy's configuration"),
    });
    expect(detail.steps.map(({ step }) => step)).not.toContain("restore");
    expect(await contentOf(address)).toEqual(before);
  }
  for (const item of [
    "ssm:/x",
    "file:relative",
    "file:/a/../b",
    "secret:*",
    "parameter:*",
    "parameter:/x/*/y",
    "parameter:x/y",
    "s3://b",
    "s3://bucket/*/x",
  ])
    expect(
      await service.call("PATCH", "/environments/no-file", { policy: { configuration: [item] } }),
    ).toMatchObject({ status: 400, body: { code: "InputInvalid" } });
});

test("each function had what it asked for from its own role", () => {
  expect(service.denied()).toEqual([]);
});
