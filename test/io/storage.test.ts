import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as aws from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareListings, type StorageChange, type StoredVersion } from "../../core/storage.ts";
import { openListWriter, readList } from "../../io/object-list.ts";
import { openVersionedBucket, type VersionedBucket } from "../../io/versioned-bucket.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { refusalOf } from "../refusal.ts";

let artifacts: TestBucket;
let client: aws.S3Client;
const opened: VersionedBucket[] = [];

beforeAll(async () => {
  artifacts = await startBucket();
  client = new aws.S3Client({});
});

afterAll(async () => {
  for (const bucket of opened) bucket.close();
  client.destroy();
  await artifacts.stop();
});

let made = 0;

async function versioned(): Promise<{ name: string; bucket: VersionedBucket }> {
  const name = `media-${process.pid}-${++made}`;
  await client.send(new aws.CreateBucketCommand({ Bucket: name }));
  await client.send(
    new aws.PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: "Enabled" } }),
  );
  const bucket = openVersionedBucket(name);
  opened.push(bucket);
  return { name, bucket };
}

const put = (Bucket: string, Key: string, Body: string, more: object = {}) =>
  client.send(new aws.PutObjectCommand({ Bucket, Key, Body, ...more }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("2,600 objects are listed over all pages with the version each key holds, whatever came before it, and found again in parts", async () => {
  const { name, bucket } = await versioned();
  const keys = Array.from({ length: 2_600 }, (_, number) => `media/${number % 50}/ü ${number}+%\u0001.txt`);
  const held = new Map<string, string | undefined>();
  for (let at = 0; at < keys.length; at += 100)
    await Promise.all(
      keys.slice(at, at + 100).map(async (key, place) => {
        // Older versions and delete markers stand between the pages as well.
        if (place % 10 === 0) await put(name, key, "older");
        held.set(key, (await put(name, key, `text ${at + place}`)).VersionId);
        if (place % 10 === 1) {
          await client.send(new aws.DeleteObjectCommand({ Bucket: name, Key: key }));
          held.delete(key);
        }
      }),
    );
  await put(name, "elsewhere/1", "not asked for");
  const listed = await all(bucket.list("media/"));
  expect(new Map(listed.map(({ key, versionId }) => [key, versionId]))).toEqual(held);
  const inOrder = [...held.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(listed.map(({ key }) => key)).toEqual(inOrder);
  const writer = openListWriter(artifacts.store, "list/");
  for (const object of listed) await writer.add(object);
  const { objects, bytes, parts } = await writer.close();
  expect({ objects, bytes }).toEqual({
    objects: held.size,
    bytes: listed.reduce((sum, { size }) => sum + size, 0),
  });
  expect(await all(readList(artifacts.store, parts))).toEqual(listed);
});

test("a list of 120,000 objects is written, read and compared in bounded memory", async () => {
  const child = spawn(
    process.execPath,
    // So little heap that it is cleared as it goes, and that the list would not fit.
    [
      "--max-old-space-size=36",
      "--max-semi-space-size=4",
      fileURLToPath(new URL("./storage-lists-memory.ts", import.meta.url)),
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = once(child, "close");
  const told = Buffer.concat(await all(child.stdout)).toString();
  expect(await ended).toEqual([0, null]);
  const found = JSON.parse(told);
  expect(found).toMatchObject({ objects: 120_000, bytes: 120_000, parts: 12, changes: 12_000 });
  expect(found.written).toBeGreaterThan(20 * 1024 ** 2);
  // The list as text and as objects would be more than the heap.
  expect(found.grown).toBeLessThan(80 * 1024 ** 2);
});

test("a part of a list that is not what was written is refused before a line of it is believed", async () => {
  const writer = openListWriter(artifacts.store, "damaged/");
  await writer.add({ key: "k", versionId: "v", etag: '"e"', size: 1 });
  const { parts } = await writer.close();
  const [part] = parts;
  if (part === undefined) throw new Error("a line makes a part");
  const bytes = Buffer.from(await artifacts.store.get(part.key));
  bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
  await artifacts.store.put(part.key, bytes);
  expect(await refusalOf(() => all(readList(artifacts.store, parts)))).toMatchObject({
    code: "BackupCorrupt",
    message: expect.stringContaining(part.key),
    hint: expect.stringContaining("backup"),
  });
});

test("what differs between two listings is what was added, overwritten and deleted", async () => {
  const object = (key: string, versionId: string): StoredVersion => ({ key, versionId, etag: "", size: 1 });
  async function* of(...objects: StoredVersion[]) {
    yield* objects;
  }
  const told = async (before: StoredVersion[], after: StoredVersion[]) =>
    (await all<StorageChange>(compareListings(of(...before), of(...after)))).map(({ recorded, now }) => [
      recorded?.key ?? null,
      now?.key ?? null,
    ]);
  // U+FFFD comes before the emoji by their bytes, behind it by JavaScript's units.
  const [a, b, c, d] = [object("a", "1"), object("b", "1"), object("\uFFFD", "1"), object("😀", "1")];
  expect(await told([a, b, c, d], [a, object("b", "2"), d, object("😀!", "1")])).toEqual([
    ["b", "b"],
    ["\uFFFD", null],
    [null, "😀!"],
  ]);
  expect(await told([], [a, b])).toEqual([
    [null, "a"],
    [null, "b"],
  ]);
  expect(await told([a, b], [])).toEqual([
    ["a", null],
    ["b", null],
  ]);
  expect(await told([a, b, c, d], [a, b, c, d])).toEqual([]);
});

test("an object is put back with its description, once, and only over what was looked at", async () => {
  const { name, bucket } = await versioned();
  const key = "a/ü +&?.txt";
  await put(name, key, "recorded", {
    Metadata: { owner: "application" },
    ContentType: "text/x-recorded",
    CacheControl: "max-age=7",
    ContentDisposition: "inline",
    ContentLanguage: "de",
  });
  const current = async () => (await all(bucket.list(key)))[0];
  const recorded = await current();
  if (recorded === undefined) throw new Error("it was put");
  const versions = async () =>
    (await client.send(new aws.ListObjectVersionsCommand({ Bucket: name, Prefix: key }))).Versions?.length;
  const read = async () => {
    const found = await client.send(new aws.GetObjectCommand({ Bucket: name, Key: key }));
    const { Metadata, ContentType, CacheControl, ContentDisposition, ContentLanguage } = found;
    const text = await found.Body?.transformToString();
    return { text, Metadata, ContentType, CacheControl, ContentDisposition, ContentLanguage };
  };
  const before = await read();
  await put(name, key, "overwritten");
  const overwritten = await current();
  expect(await bucket.putBack(recorded, overwritten)).toMatchObject({ done: "copied" });
  expect(await read()).toEqual(before);
  // The second time there is nothing to do.
  expect(await bucket.putBack(recorded, await current())).toEqual({ done: "equal" });
  expect(await versions()).toBe(3);
  // Equal bytes under another description are another object.
  await put(name, key, "recorded", { ContentType: "text/plain" });
  expect(await bucket.putBack(recorded, await current())).toMatchObject({ done: "copied" });
  expect(await read()).toEqual(before);
  await client.send(new aws.DeleteObjectCommand({ Bucket: name, Key: key }));
  expect(await current()).toBeUndefined();
  expect(await bucket.putBack(recorded, undefined)).toMatchObject({ done: "copied" });
  expect(await read()).toEqual(before);
  // Somebody writes between the look and the copy: theirs stays.
  const looked = await put(name, key, "looked at").then(current);
  await put(name, key, "newer");
  expect(await refusalOf(() => bucket.putBack(recorded, looked))).toMatchObject({
    code: "ObjectContended",
    hint: expect.stringContaining("try again"),
  });
  expect(await read()).toMatchObject({ text: "newer" });
  await client.send(new aws.DeleteObjectCommand({ Bucket: name, Key: key }));
  expect(await refusalOf(() => bucket.putBack(recorded, looked))).toMatchObject({ code: "ObjectContended" });
});

test("an object too large for one copy is put back in parts, once, and only over what was looked at", async () => {
  const { name } = await versioned();
  const bucket = openVersionedBucket(name, { largestCopy: 1024 ** 2, part: 5 * 1024 ** 2 });
  opened.push(bucket);
  const body = Buffer.concat([1, 2, 3].map((byte) => Buffer.alloc(4 * 1024 ** 2, byte)));
  const described = { ContentType: "video/mp4", Metadata: { of: "application" }, CacheControl: "no-store" };
  await client.send(new aws.PutObjectCommand({ Bucket: name, Key: "k ü", Body: body, ...described }));
  const current = async () => (await all(bucket.list("k")))[0];
  const recorded = await current();
  if (recorded === undefined) throw new Error("it was put");
  await put(name, "k ü", "overwritten");
  const overwritten = await current();
  await put(name, "k ü", "newer");
  expect(await refusalOf(() => bucket.putBack(recorded, overwritten))).toMatchObject({
    code: "ObjectContended",
    hint: expect.stringContaining("try again"),
  });
  const { Uploads = [] } = await client.send(new aws.ListMultipartUploadsCommand({ Bucket: name }));
  expect(Uploads).toEqual([]);
  expect(await bucket.putBack(recorded, await current())).toMatchObject({ done: "copied" });
  const found = await client.send(new aws.GetObjectCommand({ Bucket: name, Key: "k ü" }));
  expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  expect(found).toMatchObject(described);
  // Its ETag is another, being one of parts; its checksum tells.
  expect((await current())?.etag).not.toBe(recorded.etag);
  expect(await bucket.putBack(recorded, await current())).toEqual({ done: "equal" });
});

test("an object whose recorded version is gone is lost, and said so", async () => {
  const { name, bucket } = await versioned();
  const { VersionId } = await put(name, "k", "recorded");
  const [recorded] = await all(bucket.list("k"));
  if (recorded === undefined) throw new Error("it was put");
  await put(name, "k", "overwritten");
  await client.send(new aws.DeleteObjectCommand({ Bucket: name, Key: "k", VersionId }));
  const [now] = await all(bucket.list("k"));
  expect(await bucket.putBack(recorded, now)).toEqual({
    done: "lost",
    reason: `its version ${VersionId} is gone`,
  });
});

test("a bucket tells whether it keeps versions", async () => {
  const { name, bucket } = await versioned();
  expect(await bucket.versioning()).toBe("Enabled");
  await client.send(
    new aws.PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: "Suspended" } }),
  );
  expect(await bucket.versioning()).toBe("Suspended");
  const plain = openVersionedBucket("tests");
  opened.push(plain);
  expect(await plain.versioning()).toBe("Off");
  const missing = openVersionedBucket("nobody-made-it");
  opened.push(missing);
  expect(await refusalOf(() => missing.versioning())).toMatchObject({
    code: "BucketMissing",
    hint: expect.stringContaining("bucket's name"),
  });
});
