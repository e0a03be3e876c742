/** What only our endpoint promises: it refuses what it does not do, trusts no request, and derives everything from its folder. */
import { mkdtemp, readdir, readFile, rm, watch, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as aws from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOCAL_CREDENTIALS, type S3Endpoint, startS3 } from "../../local/s3/server.ts";

let folder: string;
let endpoint: S3Endpoint;
let client: aws.S3Client;
const Bucket = "bucket";

const connect = (more: aws.S3ClientConfig = {}) =>
  new aws.S3Client({
    endpoint: endpoint.url,
    region: "us-east-1",
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
    ...more,
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-s3-wire-"));
  endpoint = await startS3({ folder, durable: false });
  client = connect();
  await client.send(new aws.CreateBucketCommand({ Bucket }));
});

afterEach(async () => {
  client.destroy();
  await endpoint.stop();
  await rm(folder, { recursive: true });
});

const put = (Key: string, Body: string, more: object = {}) =>
  client.send(new aws.PutObjectCommand({ Bucket, Key, Body, ...more }));

const text = async (Key: string, VersionId?: string) =>
  (await client.send(new aws.GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();

/** A signed request with a body as it is, which no SDK would send. */
async function send(path: string, headers: Record<string, string>, body: string | Buffer) {
  const { host } = new URL(endpoint.url);
  const signer = new SignatureV4({
    service: "s3",
    region: "us-east-1",
    credentials: LOCAL_CREDENTIALS,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const signed = await signer.sign({
    method: "PUT",
    protocol: "http:",
    hostname: "127.0.0.1",
    path,
    headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers },
  });
  const { host: _, ...rest } = signed.headers;
  const response = await fetch(endpoint.url + path, { method: "PUT", headers: rest, body });
  const answer = await response.text();
  return [response.status, /<Code>(\w+)<\/Code>/.exec(answer)?.[1]];
}

const CHUNKED = {
  "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "content-encoding": "aws-chunked",
  "x-amz-decoded-content-length": "5",
  "x-amz-trailer": "x-amz-checksum-crc32",
};

test("what it does not do it answers with 501 NotImplemented", async () => {
  await put("k", "v");
  const object = { Bucket, Key: "k" };
  const calls = [
    () => client.send(new aws.GetBucketAclCommand({ Bucket })),
    () => client.send(new aws.GetBucketLocationCommand({ Bucket })),
    () => client.send(new aws.ListObjectsCommand({ Bucket })),
    () => client.send(new aws.PutObjectTaggingCommand({ ...object, Tagging: { TagSet: [] } })),
    () => client.send(new aws.GetObjectAttributesCommand({ ...object, ObjectAttributes: ["ETag"] })),
    () => client.send(new aws.GetObjectCommand({ ...object, PartNumber: 1 })),
    () => client.send(new aws.GetObjectCommand({ ...object, ExpectedBucketOwner: "1" })),
    () => client.send(new aws.PutObjectCommand({ ...object, ACL: "public-read" })),
    () => client.send(new aws.PutObjectCommand({ ...object, ServerSideEncryption: "aws:kms" })),
    () => client.send(new aws.PutObjectCommand({ ...object, StorageClass: "GLACIER" })),
    () => client.send(new aws.PutObjectCommand({ ...object, IfNoneMatch: '"an etag"' })),
  ];
  for (const call of calls)
    await expect(call()).rejects.toMatchObject({
      name: "NotImplemented",
      $metadata: { httpStatusCode: 501 },
    });
  expect(await text("k")).toBe("v");
});

test("an error tells its request's id, as S3 writes it", async () => {
  await expect(text("none")).rejects.toMatchObject({
    name: "NoSuchKey",
    Key: "none",
    RequestId: expect.stringMatching(/^[0-9A-F]{16}$/),
    $metadata: { requestId: expect.stringMatching(/^[0-9A-F]{16}$/), extendedRequestId: expect.any(String) },
  });
});

test("a request without a signature is AccessDenied", async () => {
  const response = await fetch(`${endpoint.url}/${Bucket}/k`);
  expect(response.status).toBe(403);
  expect(await response.text()).toContain("<Code>AccessDenied</Code>");
});

test("a header that nobody signed is AccessDenied", async () => {
  const url = await getSignedUrl(client, new aws.GetObjectCommand({ Bucket, Key: "k" }));
  const response = await fetch(url, { headers: { "x-amz-checksum-mode": "ENABLED" } });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain("<HeadersNotSigned>x-amz-checksum-mode</HeadersNotSigned>");
});

test("a clock that is an hour off is RequestTimeTooSkewed, and the SDK sets itself right", async () => {
  const skewed = connect({ systemClockOffset: 3_600_000 });
  const list = () => skewed.send(new aws.ListBucketsCommand());
  await expect(list()).rejects.toMatchObject({ name: "RequestTimeTooSkewed" });
  expect((await list()).Buckets?.length).toBe(1);
  skewed.destroy();
});

test("a body under a sha256 that is not its own is refused and not stored", async () => {
  const other = "0".repeat(64);
  expect(await send(`/${Bucket}/k`, { "x-amz-content-sha256": other }, "hello")).toEqual([
    400,
    "XAmzContentSHA256Mismatch",
  ]);
  await expect(text("k")).rejects.toMatchObject({ name: "NoSuchKey" });
});

test("a chunked body is unwrapped, and its trailer verified", async () => {
  const body = (crc: string) => `3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`;
  expect(await send(`/${Bucket}/k`, CHUNKED, body("NhCmhg=="))).toEqual([200, undefined]);
  expect(await text("k")).toBe("hello");
  expect(await send(`/${Bucket}/bad`, CHUNKED, body("AAAAAA=="))).toEqual([400, "BadDigest"]);
  await expect(text("bad")).rejects.toMatchObject({ name: "NoSuchKey" });
});

test("a chunked body that is broken, short or without its trailer is refused", async () => {
  const bodies: [string, string][] = [
    ["xyz\r\nhello\r\n0\r\n\r\n", "InvalidRequest"],
    ["5\r\nhello!\r\n0\r\n\r\n", "InvalidRequest"],
    ["5\r\nhel", "IncompleteBody"],
    ["3\r\nhel\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"],
    ["6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"],
    ["5\r\nhello\r\n0\r\n\r\n", "InvalidRequest"],
    [`5;${"x".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`, "InvalidRequest"],
  ];
  for (const [body, code] of bodies)
    expect([body.slice(0, 40), ...(await send(`/${Bucket}/k`, CHUNKED, body))]).toEqual([
      body.slice(0, 40),
      400,
      code,
    ]);
  const signedChunks = { ...CHUNKED, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };
  expect(await send(`/${Bucket}/k`, signedChunks, "0\r\n\r\n")).toEqual([501, "NotImplemented"]);
  await expect(text("k")).rejects.toMatchObject({ name: "NoSuchKey" });
});

test("a client that goes away in the middle of its body leaves nothing", async () => {
  const url = new URL(
    await getSignedUrl(
      connect({ requestChecksumCalculation: "WHEN_REQUIRED" }),
      new aws.PutObjectCommand({ Bucket, Key: "k" }),
    ),
  );
  const arriving = watch(join(folder, "staging"))[Symbol.asyncIterator]().next();
  const cut = request(url, { method: "PUT", headers: { "content-length": 1_000_000 } });
  cut.on("error", () => {});
  cut.write(Buffer.alloc(500_000));
  await arriving;
  cut.destroy();
  await expect(text("k")).rejects.toMatchObject({ name: "NoSuchKey" });
  await endpoint.stop();
  expect(await readdir(join(folder, "staging"))).toEqual([]);
  endpoint = await startS3({ folder, durable: false });
});

test("keys never become paths", async () => {
  for (const key of ["../../escape", "..", "/etc/passwd", "a/../b", "C:\\x", "nul\u0000byte"])
    await put(key, key);
  const names = await readdir(folder, { recursive: true });
  const expected =
    /^(endpoint\.json|staging|buckets(\/bucket(\/bucket|\/uploads|\/objects(\/[0-9a-f]{14}\.object)?)?)?)$/;
  expect(names.filter((name) => !expected.test(name))).toEqual([]);
  expect(await text("nul\u0000byte")).toBe("nul\u0000byte");
});

test("all of it is found again in the folder by the next process", async () => {
  const locked = "locked";
  await client.send(new aws.CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }));
  const until = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000);
  const kept = await client.send(new aws.PutObjectCommand({ Bucket: locked, Key: "k", Body: "first" }));
  const retention = { Mode: "COMPLIANCE", RetainUntilDate: until } as const;
  await client.send(
    new aws.PutObjectRetentionCommand({
      Bucket: locked,
      Key: "k",
      VersionId: kept.VersionId,
      Retention: retention,
    }),
  );
  await client.send(new aws.PutObjectCommand({ Bucket: locked, Key: "k", Body: "second" }));
  await put("plain", "v1");
  await put("plain", "v2", { ContentType: "text/plain", Metadata: { a: "1" } });
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket, Key: "big" }));
  const part = await client.send(
    new aws.UploadPartCommand({ Bucket, Key: "big", UploadId, PartNumber: 1, Body: "part" }),
  );
  await endpoint.stop();
  await writeFile(join(folder, "staging", "left-behind"), "half a body");
  endpoint = await startS3({ folder, durable: false });
  client = connect();

  expect(await readdir(join(folder, "staging"))).toEqual([]);
  const plain = await client.send(new aws.GetObjectCommand({ Bucket, Key: "plain" }));
  expect(plain).toMatchObject({ ContentType: "text/plain", Metadata: { a: "1" } });
  expect(await plain.Body?.transformToString()).toBe("v2");
  const versions = await client.send(new aws.ListObjectVersionsCommand({ Bucket: locked }));
  expect(versions.Versions?.map(({ IsLatest, Size }) => [IsLatest, Size])).toEqual([
    [true, 6],
    [false, 5],
  ]);
  const told = await client.send(
    new aws.GetObjectRetentionCommand({ Bucket: locked, Key: "k", VersionId: kept.VersionId }),
  );
  expect(told.Retention).toEqual(retention);
  await client.send(
    new aws.CompleteMultipartUploadCommand({
      Bucket,
      Key: "big",
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
    }),
  );
  expect(await text("big")).toBe("part");
});

test("a folder that is served is refused to a second endpoint, and free again after a kill", async () => {
  await expect(startS3({ folder })).rejects.toThrow(`"${folder}" is already served at ${endpoint.url}`);
  await put("k", "v");
  const note = await readFile(join(folder, "endpoint.json"));
  await endpoint.stop();
  await writeFile(join(folder, "endpoint.json"), note);
  endpoint = await startS3({ folder, durable: false });
  client = connect();
  expect(await text("k")).toBe("v");
});

test("of one upload completed twice at once, one is done and the object is whole", async () => {
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket, Key: "k" }));
  const Body = "p".repeat(8 * 1024 ** 2);
  const { ETag } = await client.send(
    new aws.UploadPartCommand({ Bucket, Key: "k", UploadId, PartNumber: 1, Body }),
  );
  const complete = () =>
    client.send(
      new aws.CompleteMultipartUploadCommand({
        Bucket,
        Key: "k",
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      }),
    );
  const results = await Promise.allSettled([complete(), complete(), complete()]);
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
  for (const result of results)
    if (result.status === "rejected") expect(result.reason).toMatchObject({ name: "NoSuchUpload" });
  expect((await text("k")) === Body).toBe(true);
});

test("a reader keeps its object while it is overwritten and deleted", async () => {
  const body = "a".repeat(8 * 1024 ** 2);
  await put("k", body);
  const reading = await client.send(new aws.GetObjectCommand({ Bucket, Key: "k" }));
  await put("k", "other");
  await client.send(new aws.DeleteObjectCommand({ Bucket, Key: "k" }));
  expect((await reading.Body?.transformToString()) === body).toBe(true);
});
