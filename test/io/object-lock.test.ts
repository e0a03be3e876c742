/** What is put until a date, and what is erased for good: in a bucket that keeps versions and locks them. */
import {
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inParallel } from "../../io/in-parallel.ts";
import { lockingStore } from "../../io/object-lock.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { refusalOf } from "../refusal.ts";

const Bucket = "locks";
let bucket: TestBucket;
let client: S3Client;

beforeAll(async () => {
  bucket = await startBucket(Bucket);
  client = new S3Client({});
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
});

afterAll(async () => {
  client.destroy();
  await bucket.stop();
});

const versions = async (Prefix: string) => {
  const { Versions = [], DeleteMarkers = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket, Prefix }),
  );
  return Versions.length + DeleteMarkers.length;
};

const bytes = (text: string) => Buffer.from(text);

test("erases every version under a prefix, markers too, and nothing beside it", async () => {
  const { store } = bucket;
  for (const text of ["one", "two"]) await store.put("a/x", bytes(text));
  await store.put("a/y", bytes("three"));
  await store.remove("a/y");
  await store.put("ab", bytes("beside"));
  expect(await store.erase("a/")).toEqual({ objects: 3, bytes: 11 });
  expect([await versions("a/"), await versions("ab")]).toEqual([0, 1]);
  expect(await store.erase("a/")).toEqual({ objects: 0, bytes: 0 });
});

test("erases more than one answer names", async () => {
  const { store } = bucket;
  const keys = Array.from({ length: 1_010 }, (_, index) => `many/${index}`);
  await inParallel(keys, async (key) => void (await store.put(key, bytes("x"))));
  expect(await store.erase("many/")).toEqual({ objects: 1_010, bytes: 1_010 });
  expect(await versions("many/")).toBe(0);
});

test("whatever is put under a lock stays until its date, and the refusal says so", async () => {
  expect(await bucket.store.hasObjectLock()).toBe(false);
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
    }),
  );
  expect(await bucket.store.hasObjectLock()).toBe(true);
  const until = new Date(Date.now() + 86_400_000);
  const store = lockingStore(bucket.store, until);
  async function* large() {
    for (let index = 0; index < 3; index++) yield Buffer.alloc(4 * 1024 ** 2, index);
  }
  await store.put("locked/put", bytes("a"));
  await store.putOnce("locked/once", bytes("b"));
  await store.putStream("locked/stream", large());
  for (const Key of ["locked/put", "locked/once", "locked/stream"]) {
    const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket, Key }));
    expect(Retention).toEqual({ Mode: "COMPLIANCE", RetainUntilDate: until });
  }
  const retained = async (Key: string) =>
    (await client.send(new GetObjectRetentionCommand({ Bucket, Key }))).Retention?.RetainUntilDate;
  const later = new Date(until.getTime() + 86_400_000);
  await store.lock("locked/put", later);
  await store.lock("locked/once", new Date(until.getTime() - 1_000));
  expect([await retained("locked/put"), await retained("locked/once")]).toEqual([later, until]);
  await bucket.store.put("free", bytes("c"));
  await store.lock("free", until);
  expect(await retained("free")).toEqual(until);
  const refusal = await refusalOf(() => store.erase("locked/"));
  expect(refusal.code).toBe("ObjectForbidden");
  expect(refusal.hint).toContain("whether Object Lock keeps the object");
  expect(await versions("locked/")).toBe(3);
});
