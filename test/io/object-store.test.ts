/**
 * The object store against our S3 endpoint, through a proxy that fails on demand, and against moto where it is installed.
 * Long because each call of the store has its case on every endpoint, and each failure of S3 one behind the proxy.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as aws from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256 } from "../../core/digest.ts";
import { ERRORS, type ErrorCode } from "../../core/errors.ts";
import { type ObjectStore, openObjectStore } from "../../io/object-store.ts";
import { LOCAL_CREDENTIALS, startS3 } from "../../local/s3/server.ts";
import { type FaultyProxy, startFaultyProxy } from "../local/faulty-proxy.ts";
import { motoFor } from "../local/moto.ts";

const MIB = 1024 ** 2;

/** The environment of a process whose SDK speaks to this endpoint, whatever account its owner is signed in to. */
function environment(url: string): Record<string, string | undefined> {
  return {
    AWS_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  };
}

function enter(variables: Record<string, string | undefined>) {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

let made = 0;

async function freshBucket(client: aws.S3Client): Promise<string> {
  const Bucket = `store-${process.pid}-${++made}`;
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" } as const;
  await client.send(new aws.CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  return Bucket;
}

/** Asserts the code, that the hint is the catalogue's, and what else is given. */
async function refused(work: Promise<unknown>, code: ErrorCode, facts: object = {}) {
  const { hint } = ERRORS[code];
  await expect(work).rejects.toMatchObject({ name: code, code, hint, facts });
}

async function* pieces(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(size, `piece ${index};`);
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}

/** Reads to the end and keeps the length only. */
async function drain(source: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const piece of source) size += piece.length;
  return size;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(source));
}

const moto = motoFor("s3");
const ENDPOINTS = [
  {
    name: "our endpoint",
    start: async () => {
      const folder = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
      const endpoint = await startS3({ folder, durable: false });
      return {
        url: endpoint.url,
        stop: async () => {
          await endpoint.stop();
          await rm(folder, { recursive: true });
        },
      };
    },
  },
  ...(moto ? [{ name: "moto", start: moto }] : []),
];

describe.each(ENDPOINTS)("the object store on $name", ({ start }) => {
  let endpoint: { url: string; stop(): Promise<void> };
  let client: aws.S3Client;
  let store: ObjectStore;

  beforeAll(async () => {
    endpoint = await start();
  });
  beforeEach(async () => {
    enter(environment(endpoint.url));
    client = new aws.S3Client({});
    store = openObjectStore({ bucket: await freshBucket(client) });
  });
  afterEach(() => {
    store.close();
    client.destroy();
    vi.unstubAllEnvs();
  });
  afterAll(() => endpoint.stop());

  test("what is put comes back, with its hash, its size and its type", async () => {
    const body = Buffer.from("hello");
    const put = await store.put("a/ü +%", body, { contentType: "text/plain" });
    expect(put).toMatchObject({ key: "a/ü +%", size: 5, sha256: sha256("hello") });
    expect(Buffer.from(await store.get("a/ü +%"))).toEqual(body);
    expect(await collect(store.getStream("a/ü +%"))).toEqual(body);
    const head = await store.head("a/ü +%");
    expect(head).toMatchObject({ size: 5, contentType: "text/plain", etag: put.etag });
  });

  test("nothing there is ObjectMissing, no bucket is BucketMissing", async () => {
    const facts = { bucket: store.bucket, key: "none" };
    await refused(store.get("none"), "ObjectMissing", facts);
    await refused(store.head("none"), "ObjectMissing", facts);
    await refused(drain(store.getStream("none")), "ObjectMissing", facts);
    await store.remove("none");
    const nowhere = openObjectStore({ bucket: "never-made" });
    await refused(nowhere.put("k", Buffer.from("v")), "BucketMissing", { bucket: "never-made" });
    await refused(all(nowhere.list("")), "BucketMissing");
    nowhere.close();
  });

  test("fault 36: putOnce writes once; equal content is present, other content ObjectConflict", async () => {
    const first = await store.putOnce("k", Buffer.from("content"));
    expect(first.outcome).toBe("written");
    const again = await store.putOnce("k", Buffer.from("content"));
    expect(again).toMatchObject({ outcome: "present", sha256: first.sha256, etag: first.etag });
    await refused(store.putOnce("k", Buffer.from("other!!")), "ObjectConflict", { key: "k" });
    await refused(store.putOnce("k", Buffer.from("longer content")), "ObjectConflict", { key: "k" });
    expect(Buffer.from(await store.get("k")).toString()).toBe("content");
  });

  test("fault 36: putOnce compares bytes where another writer left no sha256", async () => {
    await client.send(new aws.PutObjectCommand({ Bucket: store.bucket, Key: "k", Body: "content" }));
    expect((await store.putOnce("k", Buffer.from("content"))).outcome).toBe("present");
    await refused(store.putOnce("k", Buffer.from("CONTENT")), "ObjectConflict");
  });

  test("fault 36: of racing putOnce of one content one writes and all succeed; of different contents one wins", async () => {
    const same = await Promise.all(Array.from({ length: 8 }, () => store.putOnce("same", Buffer.from("v"))));
    expect(same.filter(({ outcome }) => outcome === "written").length).toBe(1);
    const different = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => store.putOnce("different", Buffer.from(`writer ${index}`))),
    );
    const winners = different.filter(({ status }) => status === "fulfilled");
    expect(winners.length).toBe(1);
    for (const result of different)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ObjectConflict" });
  });

  test("a stream of any length is put, hashed, and read back", async () => {
    for (const [count, size] of [
      [0, 0],
      [3, 1_000],
      [40, 512 * 1_024],
    ] as const) {
      const whole = await collect(pieces(count, size));
      const put = await store.putStream(`streams/${count}`, pieces(count, size));
      expect(put).toMatchObject({ size: whole.length, sha256: sha256(whole) });
      expect(sha256(await store.get(`streams/${count}`))).toBe(put.sha256);
    }
  });

  test("fault 32: a source that fails leaves no object and no parts, and its own error is told", async () => {
    async function* failing() {
      yield* pieces(40, 512 * 1_024);
      throw Object.assign(new Error("the database went away"), { code: "ECONNRESET" });
    }
    await expect(store.putStream("k", failing())).rejects.toThrow("the database went away");
    await refused(store.head("k"), "ObjectMissing");
    const left = await client.send(new aws.ListMultipartUploadsCommand({ Bucket: store.bucket }));
    expect(left.Uploads ?? []).toEqual([]);
  });

  test("a listing goes over all pages, in order, under its prefix only", async () => {
    const keys = Array.from({ length: 1_105 }, (_, index) => `p/${String(index).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from(key))));
    await store.put("q", Buffer.from("other"));
    const listed = await all(store.list("p/"));
    expect(listed.map(({ key }) => key)).toEqual(keys);
    expect(listed[0]).toMatchObject({
      size: 7,
      etag: expect.stringMatching(/^"/),
      modified: expect.any(Date),
    });
  });

  test("folders are those that hold objects, and uploads without an end are listed under their prefix and aborted, once and again", async () => {
    for (const key of ["b/one/x", "b/one/y/z", "b/two/x", "b/file", "c/three/x"])
      await store.put(key, Buffer.from("v"));
    expect(await store.listFolders("b/")).toEqual(["b/one/", "b/two/"]);
    const Bucket = store.bucket;
    for (const Key of ["b/one/part", "b/two/part", "c/part"])
      await client.send(new aws.CreateMultipartUploadCommand({ Bucket, Key }));
    const uploads = await store.listUploads("b/");
    expect(uploads.map(({ key }) => key).sort()).toEqual(["b/one/part", "b/two/part"]);
    expect(uploads.every(({ initiated }) => initiated.getTime() < Date.now() + 60_000)).toBe(true);
    const [first] = uploads;
    if (first === undefined) throw new Error("two were begun");
    await store.abortUpload(first);
    await store.abortUpload(first);
    expect((await store.listUploads("b/")).map(({ key }) => key)).toEqual([uploads[1]?.key]);
  });

  test("a presigned GET reads", async () => {
    await store.put("k", Buffer.from("v"));
    expect(await (await fetch(await store.presignGet("k", 60))).text()).toBe("v");
  });
});

describe("the object store where S3 fails", () => {
  let folder: string;
  let endpoint: Awaited<ReturnType<typeof startS3>>;
  let proxy: FaultyProxy;
  let client: aws.S3Client;
  let store: ObjectStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
    endpoint = await startS3({ folder, durable: false });
    proxy = await startFaultyProxy(endpoint.url);
    enter(environment(proxy.url));
    client = new aws.S3Client({ endpoint: endpoint.url });
    store = openObjectStore({ bucket: await freshBucket(client) });
  });
  afterEach(async () => {
    store.close();
    client.destroy();
    await proxy.stop();
    await endpoint.stop();
    await rm(folder, { recursive: true });
    vi.unstubAllEnvs();
  });

  const openUploads = async () =>
    (await client.send(new aws.ListMultipartUploadsCommand({ Bucket: store.bucket }))).Uploads ?? [];

  test("fault 31: 503 SlowDown, 500 and a reset connection are tried again", async () => {
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { method: "PUT" });
    proxy.inject({ kind: "status", status: 500, code: "InternalError" }, { method: "PUT" });
    proxy.inject({ kind: "reset" }, { method: "PUT" });
    await store.put("k", Buffer.from("v"));
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { method: "GET" });
    proxy.inject({ kind: "reset" }, { method: "GET" });
    expect(Buffer.from(await store.get("k")).toString()).toBe("v");
    expect(proxy.spent()).toBe(true);
  });

  test("fault 31: a store that stays away is ObjectStoreUnavailable, and may be tried again", async () => {
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { times: 100 });
    await refused(store.put("k", Buffer.from("v")), "ObjectStoreUnavailable", { bucket: store.bucket });
    await expect(store.head("k")).rejects.toMatchObject({ retryable: true });
    await proxy.stop();
    await refused(store.remove("k"), "ObjectStoreUnavailable", {
      reason: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test.each(["KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"])(
    "fault 35: a key of KMS that cannot be used, %s, is EncryptionKeyUnusable for reading and writing, and not tried again",
    async (code) => {
      await store.put("k", Buffer.from("v"));
      const before = proxy.seen.length;
      proxy.inject({ kind: "status", status: 400, code }, { times: 100 });
      const facts = { key: "k", reason: expect.stringContaining(code) };
      for (const asked of [store.get("k"), store.put("k", Buffer.from("v"))])
        await refused(asked, "EncryptionKeyUnusable", facts);
      await expect(store.get("k")).rejects.toMatchObject({
        retryable: false,
        hint: expect.stringContaining("aws kms enable-key"),
      });
      expect(proxy.seen.length).toBe(before + 3);
    },
  );

  test("fault 35: a right that is missing on the key is ObjectForbidden", async () => {
    proxy.inject({ kind: "status", status: 403, code: "AccessDenied" }, { method: "GET" });
    await expect(store.get("k")).rejects.toMatchObject({
      code: "ObjectForbidden",
      hint: expect.stringContaining("on its KMS key"),
    });
  });

  test("fault 36: a putOnce whose answer was lost finds its own bytes on the next try", async () => {
    proxy.inject({ kind: "lost-reply" }, { method: "PUT" });
    expect((await store.putOnce("k", Buffer.from("v"))).outcome).toBe("present");
    expect(proxy.spent()).toBe(true);
  });

  test("fault 36: a 409 is tried again, and a key that never comes to rest is ObjectContended", async () => {
    const conflict = { kind: "status", status: 409, code: "ConditionalRequestConflict" } as const;
    proxy.inject(conflict, { method: "PUT", times: 2 });
    expect((await store.putOnce("k", Buffer.from("v"))).outcome).toBe("written");
    proxy.inject(conflict, { method: "PUT", times: 100 });
    await refused(store.putOnce("other", Buffer.from("v")), "ObjectContended", { key: "other", tries: 5 });
  });

  test("fault 31: a body that breaks off is read again, and a stream that breaks off is found", async () => {
    await store.put("k", Buffer.alloc(MIB, "whole"));
    proxy.inject({ kind: "truncate", after: 300_000 }, { method: "GET" });
    expect((await store.get("k")).length).toBe(MIB);
    proxy.inject({ kind: "truncate", after: 300_000 }, { method: "GET" });
    let seen = 0;
    const reading = (async () => {
      for await (const piece of store.getStream("k")) seen += piece.length;
    })();
    await refused(reading, "ObjectStoreUnavailable", { bucket: store.bucket });
    expect(seen).toBeLessThanOrEqual(300_000);
  });

  test("fault 33: one bit that flips on the way is ObjectDamaged", async () => {
    await store.put("k", Buffer.alloc(MIB, "whole"));
    proxy.inject({ kind: "corrupt", at: 500_000 }, { method: "GET", times: 2 });
    await refused(store.get("k"), "ObjectDamaged", { key: "k" });
    await refused(drain(store.getStream("k")), "ObjectDamaged", { key: "k" });
    expect((await store.get("k")).length).toBe(MIB);
  });

  test("fault 33: a bit that flips in a multipart object is found", async () => {
    await store.putStream("k", pieces(20, MIB));
    proxy.inject({ kind: "corrupt", at: 12 * MIB }, { method: "GET" });
    await refused(drain(store.getStream("k")), "ObjectDamaged", { key: "k" });
  });

  test("fault 32: a part that cannot be uploaded aborts the upload and leaves no parts", async () => {
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { path: /partNumber=2/, times: 100 });
    await refused(store.putStream("k", pieces(40, MIB)), "ObjectStoreUnavailable");
    expect(await openUploads()).toEqual([]);
    await refused(store.head("k"), "ObjectMissing");
    const files = await readdir(join(folder, "buckets"), { recursive: true });
    expect(files.filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("fault 31: parts are tried again, and the stream is whole", async () => {
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { path: /partNumber=1/ });
    proxy.inject({ kind: "reset" }, { path: /partNumber=2/ });
    proxy.inject({ kind: "lost-reply" }, { path: /partNumber=3/ });
    const put = await store.putStream("k", pieces(30, MIB));
    expect(sha256(await store.get("k"))).toBe(put.sha256);
    expect(proxy.spent()).toBe(true);
  });

  test("fault 31: a completion whose answer was lost is known by its mark", async () => {
    proxy.inject({ kind: "lost-reply" }, { method: "POST", path: /uploadId=/ });
    const put = await store.putStream("k", pieces(20, MIB));
    expect(proxy.spent()).toBe(true);
    expect(sha256(await store.get("k"))).toBe(put.sha256);
    expect(await openUploads()).toEqual([]);
  });

  test("a reader who stops early leaves the store usable", async () => {
    await store.putStream("k", pieces(20, MIB));
    for (let times = 0; times < 60; times++)
      for await (const piece of store.getStream("k")) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    expect((await store.head("k")).size).toBe(20 * MIB);
  });

  test("credentials that do not hold are ObjectForbidden", async () => {
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    const wrong = openObjectStore({ bucket: store.bucket });
    await refused(wrong.put("k", Buffer.from("v")), "ObjectForbidden", {
      reason: expect.stringContaining("SignatureDoesNotMatch"),
    });
    wrong.close();
  });

  test("in a versioned bucket what is put tells its version, and removing it leaves the version", async () => {
    const bucket = `locked-${process.pid}`;
    await client.send(new aws.CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    const locked = openObjectStore({ bucket });
    const put = await locked.put("k", Buffer.from("v"));
    expect(put.versionId).toBe((await locked.head("k")).versionId);
    await locked.remove("k");
    await refused(locked.get("k"), "ObjectMissing");
    const kept = await client.send(
      new aws.GetObjectCommand({ Bucket: bucket, Key: "k", VersionId: put.versionId }),
    );
    expect(await kept.Body?.transformToString()).toBe("v");
    locked.close();
  });

  test("a presigned PUT takes the bytes it was made for and no others", async () => {
    const body = "the release";
    const { url, headers } = await store.presignPut("k", { sha256: sha256(body), size: body.length }, 60);
    const send = async (body: string, headers: Record<string, string>) =>
      (await fetch(url, { method: "PUT", headers, body })).status;
    expect(await send("the RELEASE", headers)).toBe(400);
    expect(await send("longer than the release", headers)).toBe(403);
    expect(await send(body, {})).toBe(403);
    await refused(store.head("k"), "ObjectMissing");
    expect(await send(body, headers)).toBe(200);
    expect((await store.head("k")).sha256).toBe(sha256(body));
  });
});

test("opening a store loads no S3 client; its first use does", async () => {
  const script = `
    const { createRequire } = await import("node:module");
    const { openObjectStore } = await import("./io/object-store.ts");
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("client-s3"));
    const store = openObjectStore({ bucket: "b" });
    const before = loaded();
    await store.presignGet("k", 60);
    console.log(JSON.stringify([before, loaded()]));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    env: { ...process.env, ...environment("http://127.0.0.1:9") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(JSON.parse((await collect(child.stdout)).toString())).toEqual([false, true]);
});

test("200 MB go through the store and the endpoint in bounded memory, each in a process of its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
  const endpoint = spawn(
    process.execPath,
    [fileURLToPath(new URL("../local/s3-child.ts", import.meta.url)), folder],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines = createInterface({ input: endpoint.stdout })[Symbol.asyncIterator]();
  const url = String((await lines.next()).value);
  const child = spawn(process.execPath, [fileURLToPath(new URL("object-store-memory.ts", import.meta.url))], {
    env: { ...process.env, ...environment(url) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = await collect(child.stdout);
  const { size, grown, same } = JSON.parse(said.toString()) as { size: number; grown: number; same: boolean };
  expect({ size, same }).toEqual({ size: 200 * MIB, same: true });
  // A few parts of 8 MiB with their copies, and what the collector has not got round to: far below what went through.
  expect(grown).toBeLessThan(150 * MIB);
  endpoint.stdin.write("memory\n");
  expect(Number((await lines.next()).value)).toBeLessThan(220 * MIB);
  const ended = once(endpoint, "exit");
  endpoint.kill("SIGKILL");
  await ended;
  await rm(folder, { recursive: true });
});
