/**
 * One suite over S3 endpoints, spoken to by the real SDK: ours, and moto where it is installed, so that ours is held to an outside
 * reading of S3. Where moto differs from AWS's documentation we follow AWS; the cases are in MOTO_DIFFERS.
 * Long because it is one table of cases, run on each endpoint.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import * as aws from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_CREDENTIALS, startS3 } from "../../local/s3/server.ts";
import { motoFor } from "./moto.ts";

interface Endpoint {
  url: string;
  stop(): Promise<void>;
}

/** The client, its bucket, and what every case needs of them. */
interface World {
  client: aws.S3Client;
  bucket: string;
}

type Case = (world: World) => Promise<void>;

const MIB = 1024 ** 2;

const CASES: Record<string, Case> = {};

function conformance(name: string, body: Case) {
  CASES[name] = body;
}

/** Cases not put to moto, each with what it does instead; `docs/emulators.md` tells the same. */
const MOTO_DIFFERS: Record<string, string> = {
  "a bucket's name follows the rules of bucket names": "takes upper case",
  "a key may have line ends and other controls in it":
    "answers 404 in HTML: its router does not match line ends",
  "a key of more than 1,024 bytes is KeyTooLongError": "has no limit",
  "a wrong checksum is BadDigest, and nothing is stored": "does not verify checksums",
  "a wrong Content-MD5 is BadDigest, a malformed one InvalidDigest": "does not verify Content-MD5",
  "an object put without a checksum is given CRC64NVME": "gives none",
  "a range of another unit than bytes is no range": "reads it as bytes",
  "of an ETag and a time, the ETag decides": "asks that both hold",
  "a deletion while a conditional write is under way makes it 409": "looks at the key once, at the end",
  "a quiet deletion tells of failures only": "tells of every deletion",
  "a copy keeps its condition on the source": "does not read x-amz-copy-source-if-match",
  "a multipart object has the checksum of its parts' checksums": "does not tell it on completion",
  "a multipart object has the checksum of the whole when that was asked": "does not tell it on completion",
  "parts are named in ascending order": "takes any order",
  "an aborted upload leaves nothing": "answers 404 in HTML when it is completed",
  "an upload that is over takes and tells no parts": "answers 404 in HTML",
  "a delete marker asked for by its id is MethodNotAllowed": "says NoSuchVersion",
  "while versioning is suspended the null version is overwritten and the others stay":
    "drops the other versions",
  "a copy is made only over what its condition names": "does not read If-Match of a copy",
  "versions of keys with every kind of character are listed encoded, in pages": "does not encode them",
  "a part is copied from inside its source only": "takes a range beyond its end",
  "a retention may grow, and in COMPLIANCE never shrink": "lets it shrink",
  "versioning cannot be suspended under Object Lock": "lets it be suspended",
  "a presigned URL may wish for headers of the answer": "does not keep response-content-disposition",
  "abuse 27: a stale presigned URL is AccessDenied": "verifies no signature and no date unless told to",
  "a presigned URL holds for its key, its method and its query only": "verifies no signature unless told to",
  "a wrong secret and an unknown key are refused": "verifies no signature unless told to",
};

async function ourEndpoint(): Promise<Endpoint> {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-s3-"));
  const endpoint = await startS3({ folder, durable: false });
  return {
    url: endpoint.url,
    stop: async () => {
      await endpoint.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function clientOf(url: string, more: aws.S3ClientConfig = {}) {
  return new aws.S3Client({
    endpoint: url,
    region: "eu-central-1",
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
    ...more,
  });
}

async function urlOf(client: aws.S3Client): Promise<string> {
  const endpoint = await client.config.endpoint?.();
  return `http://${endpoint?.hostname}:${endpoint?.port}`;
}

/** `[code, status]` of the refusal. */
async function refusal(work: Promise<unknown>): Promise<[string, number | undefined]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof aws.S3ServiceException) return [error.name, error.$metadata.httpStatusCode];
    throw error;
  }
  return ["none", 200];
}

let made = 0;

async function freshBucket(client: aws.S3Client, more: Partial<aws.CreateBucketCommandInput> = {}) {
  const Bucket = `bucket-${process.pid}-${++made}`;
  await client.send(
    new aws.CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      ...more,
    }),
  );
  return Bucket;
}

const put = ({ client, bucket }: World, Key: string, Body: string | Buffer, more: object = {}) =>
  client.send(new aws.PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from(Body), ...more }));

async function read({ client, bucket }: World, Key: string, more: Partial<aws.GetObjectCommandInput> = {}) {
  const found = await client.send(new aws.GetObjectCommand({ Bucket: bucket, Key, ...more }));
  return { ...found, text: (await found.Body?.transformToString()) ?? "" };
}

const md5 = (body: string | Buffer) => createHash("md5").update(body).digest("hex");

const enableVersions = ({ client, bucket }: World, Status: "Enabled" | "Suspended" = "Enabled") =>
  client.send(new aws.PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));

// --- buckets -------------------------------------------------------------------------------------

conformance("buckets are made, found and listed, and removed only when empty", async (world) => {
  const { client } = world;
  const Bucket = await freshBucket(client);
  await client.send(new aws.HeadBucketCommand({ Bucket }));
  const names = async () =>
    (await client.send(new aws.ListBucketsCommand())).Buckets?.map(({ Name }) => Name);
  expect(await names()).toContain(Bucket);
  await put({ client, bucket: Bucket }, "k", "v");
  expect(await refusal(client.send(new aws.DeleteBucketCommand({ Bucket })))).toEqual([
    "BucketNotEmpty",
    409,
  ]);
  await client.send(new aws.DeleteObjectCommand({ Bucket, Key: "k" }));
  await client.send(new aws.DeleteBucketCommand({ Bucket }));
  expect(await names()).not.toContain(Bucket);
  expect(await refusal(client.send(new aws.HeadBucketCommand({ Bucket })))).toEqual(["NotFound", 404]);
});

conformance("a bucket made twice by its owner is refused outside us-east-1", async ({ client, bucket }) => {
  const again = client.send(
    new aws.CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
    }),
  );
  expect(await refusal(again)).toEqual(["BucketAlreadyOwnedByYou", 409]);
});

conformance("a bucket's name follows the rules of bucket names", async ({ client }) => {
  for (const Bucket of ["ab", "UPPER", "under_score", "a..b", "-edge", "192.168.0.1"])
    expect([Bucket, (await refusal(client.send(new aws.CreateBucketCommand({ Bucket }))))[0]]).toEqual([
      Bucket,
      "InvalidBucketName",
    ]);
});

conformance("every operation on a bucket that is not there says NoSuchBucket", async (world) => {
  const nowhere = { ...world, bucket: "never-made-anywhere" };
  expect(await refusal(put(nowhere, "k", "v"))).toEqual(["NoSuchBucket", 404]);
  expect(await refusal(read(nowhere, "k"))).toEqual(["NoSuchBucket", 404]);
  expect(await refusal(world.client.send(new aws.ListObjectsV2Command({ Bucket: nowhere.bucket })))).toEqual([
    "NoSuchBucket",
    404,
  ]);
});

// --- objects -------------------------------------------------------------------------------------

conformance(
  "an object comes back with its bytes, its type, its metadata and the md5 as its ETag",
  async (world) => {
    const written = await put(world, "k", "hello", {
      ContentType: "text/plain",
      CacheControl: "no-store",
      ContentDisposition: 'attachment; filename="a.txt"',
      ContentEncoding: "gzip",
      Metadata: { release: "42" },
    });
    expect(written.ETag).toBe(`"${md5("hello")}"`);
    const found = await read(world, "k");
    expect(found).toMatchObject({
      text: "hello",
      ContentLength: 5,
      ContentType: "text/plain",
      CacheControl: "no-store",
      ContentDisposition: 'attachment; filename="a.txt"',
      ContentEncoding: "gzip",
      Metadata: { release: "42" },
      ETag: written.ETag,
    });
    const head = await world.client.send(new aws.HeadObjectCommand({ Bucket: world.bucket, Key: "k" }));
    expect(head).toMatchObject({ ContentLength: 5, ContentType: "text/plain", ETag: written.ETag });
    expect(Math.abs((head.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  },
);

conformance("a missing object is NoSuchKey, and without a body NotFound", async ({ client, bucket }) => {
  expect(await refusal(read({ client, bucket }, "none"))).toEqual(["NoSuchKey", 404]);
  const head = client.send(new aws.HeadObjectCommand({ Bucket: bucket, Key: "none" }));
  expect(await refusal(head)).toEqual(["NotFound", 404]);
});

conformance("an empty object is an object", async (world) => {
  await put(world, "empty", "");
  expect(await read(world, "empty")).toMatchObject({ text: "", ContentLength: 0, ETag: `"${md5("")}"` });
});

const KEYS = [
  "a/../../../../etc/passwd",
  "a/./b/../c",
  "double//slash",
  "trailing/",
  "percent%2Fencoded%",
  "plus+and space",
  "quote\"'`&<>",
  "question?mark#hash",
  "back\\slash",
  "Größe/日本語/🐘",
  "../../../etc/passwd",
  "..",
  "/absolute",
  "//double",
];

conformance("a key is any text", async (world) => {
  for (const key of KEYS) {
    await put(world, key, key);
    expect((await read(world, key)).text).toBe(key);
  }
  const listed = await world.client.send(
    new aws.ListObjectsV2Command({ Bucket: world.bucket, EncodingType: "url" }),
  );
  const keys = listed.Contents?.map(({ Key = "" }) => decodeURIComponent(Key.replaceAll("+", " ")));
  expect(keys?.sort()).toEqual([...KEYS].sort());
});

conformance("a key may have line ends and other controls in it", async (world) => {
  const key = "new\nline\r\ttab\u0001";
  await put(world, key, "v");
  expect((await read(world, key)).text).toBe("v");
  const listed = await world.client.send(new aws.ListObjectsV2Command({ Bucket: world.bucket }));
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual([key]);
});

conformance("a key may have 1,024 bytes of UTF-8", async (world) => {
  const longest = "ü".repeat(512);
  await put(world, longest, "v");
  expect((await read(world, longest)).text).toBe("v");
});

conformance("a key of more than 1,024 bytes is KeyTooLongError", async (world) => {
  expect(await refusal(put(world, `${"ü".repeat(512)}x`, "v"))).toEqual(["KeyTooLongError", 400]);
});

conformance("a streamed body is stored without its chunks and trailers", async (world) => {
  const body = Buffer.alloc(300_000, "stream ");
  const Body = Readable.from(
    (function* () {
      for (let at = 0; at < body.length; at += 70_001) yield body.subarray(at, at + 70_001);
    })(),
    { objectMode: false },
  );
  await put(world, "streamed", "", { Body, ContentLength: body.length });
  const found = await read(world, "streamed");
  expect(found.text).toBe(body.toString());
  expect(found.ETag).toBe(`"${md5(body)}"`);
  expect(found.ContentEncoding).toBeUndefined();
});

// --- checksums -----------------------------------------------------------------------------------

const ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;

conformance("each checksum is verified, kept and given back", async (world) => {
  // Check values of "123456789" for the CRCs: https://reveng.sourceforge.io/crc-catalogue
  const text = "123456789";
  const known = {
    CRC32: "y/Q5Jg==",
    CRC32C: "4waSgw==",
    CRC64NVME: "rosUhgp5mIg=",
    SHA1: createHash("sha1").update(text).digest("base64"),
    SHA256: createHash("sha256").update(text).digest("base64"),
  };
  for (const algorithm of ALGORITHMS) {
    await put(world, algorithm, text, { ChecksumAlgorithm: algorithm });
    const head = await world.client.send(
      new aws.HeadObjectCommand({ Bucket: world.bucket, Key: algorithm, ChecksumMode: "ENABLED" }),
    );
    expect([algorithm, head[`Checksum${algorithm}`]]).toEqual([algorithm, known[algorithm]]);
    expect((await read(world, algorithm)).text).toBe(text);
  }
});

conformance("a wrong checksum is BadDigest, and nothing is stored", async (world) => {
  const wrong = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };
  for (const algorithm of ALGORITHMS) {
    const claim = { [`Checksum${algorithm}`]: Buffer.alloc(wrong[algorithm], 1).toString("base64") };
    expect([algorithm, ...(await refusal(put(world, algorithm, "text", claim)))]).toEqual([
      algorithm,
      "BadDigest",
      400,
    ]);
    expect(await refusal(read(world, algorithm))).toEqual(["NoSuchKey", 404]);
  }
});

conformance("a wrong Content-MD5 is BadDigest, a malformed one InvalidDigest", async (world) => {
  const wrong = createHash("md5").update("other").digest("base64");
  expect(await refusal(put(world, "k", "text", { ContentMD5: wrong }))).toEqual(["BadDigest", 400]);
  expect(await refusal(put(world, "k", "text", { ContentMD5: "bm8=" }))).toEqual(["InvalidDigest", 400]);
  const right = createHash("md5").update("text").digest("base64");
  await put(world, "k", "text", { ContentMD5: right });
});

conformance("an object put without a checksum is given CRC64NVME", async (world) => {
  const bare = clientOf(await urlOf(world.client), { requestChecksumCalculation: "WHEN_REQUIRED" });
  await put({ ...world, client: bare }, "plain", "123456789");
  const head = await world.client.send(
    new aws.HeadObjectCommand({ Bucket: world.bucket, Key: "plain", ChecksumMode: "ENABLED" }),
  );
  expect(head).toMatchObject({ ChecksumCRC64NVME: "rosUhgp5mIg=", ChecksumType: "FULL_OBJECT" });
});

// --- reading -------------------------------------------------------------------------------------

conformance("a range gives its bytes, 206, and where they stand", async (world) => {
  await put(world, "k", "0123456789");
  const ranges: [string, string, string][] = [
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=5-999", "56789", "bytes 5-9/10"],
    ["bytes=-999", "0123456789", "bytes 0-9/10"],
  ];
  for (const [Range, text, ContentRange] of ranges)
    expect([Range, await read(world, "k", { Range })]).toMatchObject([
      Range,
      { text, ContentRange, ContentLength: text.length, $metadata: { httpStatusCode: 206 } },
    ]);
});

conformance("a range outside the object is InvalidRange", async (world) => {
  await put(world, "k", "0123456789");
  expect(await refusal(read(world, "k", { Range: "bytes=10-" }))).toEqual(["InvalidRange", 416]);
  await put(world, "empty", "");
  expect(await refusal(read(world, "empty", { Range: "bytes=0-1" }))).toEqual(["InvalidRange", 416]);
});

conformance("a range that cannot be read is no range", async (world) => {
  await put(world, "k", "0123456789");
  expect(await read(world, "k", { Range: "bytes=4-2" })).toMatchObject({
    text: "0123456789",
    $metadata: { httpStatusCode: 200 },
  });
});

conformance("a range of another unit than bytes is no range", async (world) => {
  await put(world, "k", "0123456789");
  expect(await read(world, "k", { Range: "lines=1-2" })).toMatchObject({
    text: "0123456789",
    $metadata: { httpStatusCode: 200 },
  });
});

conformance("reads keep their conditions on ETag and time", async (world) => {
  const { ETag } = await put(world, "k", "v");
  const before = new Date(Date.now() - 3_600_000);
  const after = new Date(Date.now() + 3_600_000);
  expect((await read(world, "k", { IfMatch: ETag })).text).toBe("v");
  expect(await refusal(read(world, "k", { IfMatch: '"other"' }))).toEqual(["PreconditionFailed", 412]);
  expect((await refusal(read(world, "k", { IfNoneMatch: ETag })))[1]).toBe(304);
  expect((await read(world, "k", { IfNoneMatch: '"other"' })).text).toBe("v");
  expect((await read(world, "k", { IfModifiedSince: before })).text).toBe("v");
  expect(await refusal(read(world, "k", { IfUnmodifiedSince: before }))).toEqual(["PreconditionFailed", 412]);
  expect((await read(world, "k", { IfUnmodifiedSince: after })).text).toBe("v");
});

conformance("of an ETag and a time, the ETag decides", async (world) => {
  const { ETag } = await put(world, "k", "v");
  const before = new Date(Date.now() - 3_600_000);
  expect((await read(world, "k", { IfMatch: ETag, IfUnmodifiedSince: before })).text).toBe("v");
  expect((await refusal(read(world, "k", { IfNoneMatch: ETag, IfModifiedSince: before })))[1]).toBe(304);
});

// --- conditional writes --------------------------------------------------------------------------

conformance("If-None-Match: * writes once", async (world) => {
  await put(world, "k", "first", { IfNoneMatch: "*" });
  expect(await refusal(put(world, "k", "second", { IfNoneMatch: "*" }))).toEqual(["PreconditionFailed", 412]);
  expect((await read(world, "k")).text).toBe("first");
});

conformance("of many writers with If-None-Match: * exactly one wins", async (world) => {
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      refusal(put(world, "k", `writer ${index}`, { IfNoneMatch: "*" })),
    ),
  );
  const winners = results.flatMap(([code], index) => (code === "none" ? [`writer ${index}`] : []));
  expect(winners).toEqual([(await read(world, "k")).text]);
  for (const [, status] of results) expect([200, 409, 412]).toContain(status);
});

conformance("If-Match writes over what it knows and nothing else", async (world) => {
  const { ETag } = await put(world, "k", "first");
  const next = await put(world, "k", "second", { IfMatch: ETag });
  expect(await refusal(put(world, "k", "third", { IfMatch: ETag }))).toEqual(["PreconditionFailed", 412]);
  expect(await refusal(put(world, "none", "v", { IfMatch: next.ETag }))).toEqual(["NoSuchKey", 404]);
  expect((await read(world, "k")).text).toBe("second");
});

conformance("a deletion while a conditional write is under way makes it 409", async (world) => {
  const { client, bucket } = world;
  let proceed = () => {};
  const gate = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  let began = () => {};
  const sending = new Promise<void>((resolve) => {
    began = resolve;
  });
  const first = 16 * MIB;
  const Body = Readable.from(
    (async function* () {
      // More than the sockets between can hold: when it is gone, the endpoint is reading.
      for (let sent = 0; sent < first; sent += 65_536) yield Buffer.alloc(65_536);
      began();
      await gate;
      yield Buffer.alloc(10);
    })(),
    { objectMode: false },
  );
  const slow = refusal(put(world, "k", "", { Body, ContentLength: first + 10, IfNoneMatch: "*" }));
  await sending;
  await put(world, "k", "between");
  await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k" }));
  proceed();
  expect(await slow).toEqual(["ConditionalRequestConflict", 409]);
});

// --- deleting ------------------------------------------------------------------------------------

conformance("deleting what is not there succeeds", async ({ client, bucket }) => {
  const gone = await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "none" }));
  expect(gone.$metadata.httpStatusCode).toBe(204);
});

conformance("If-Match deletes only what it knows", async (world) => {
  const { client, bucket } = world;
  const { ETag } = await put(world, "k", "v");
  const remove = (IfMatch: string | undefined) =>
    refusal(client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k", IfMatch })));
  expect(await remove('"other"')).toEqual(["PreconditionFailed", 412]);
  expect((await read(world, "k")).text).toBe("v");
  expect(await remove(ETag)).toEqual(["none", 200]);
  expect(await refusal(read(world, "k"))).toEqual(["NoSuchKey", 404]);
});

conformance("many objects go in one request", async (world) => {
  const { client, bucket } = world;
  for (const key of ["a&b", "c<d", "e"]) await put(world, key, "v");
  const gone = await client.send(
    new aws.DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: [{ Key: "a&b" }, { Key: "c<d" }, { Key: "never" }] },
    }),
  );
  expect(gone.Deleted?.map(({ Key }) => Key).sort()).toEqual(["a&b", "c<d", "never"]);
  expect((await client.send(new aws.ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(1);
});

conformance("a quiet deletion tells of failures only", async (world) => {
  const { client, bucket } = world;
  await put(world, "e", "v");
  const quiet = await client.send(
    new aws.DeleteObjectsCommand({ Bucket: bucket, Delete: { Quiet: true, Objects: [{ Key: "e" }] } }),
  );
  expect(quiet.Deleted ?? []).toEqual([]);
  expect((await client.send(new aws.ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(0);
});

// --- listing -------------------------------------------------------------------------------------

conformance("a listing is in the order of UTF-8 bytes", async (world) => {
  // U+FF5E sorts before U+1F600 by bytes, and behind it by UTF-16 units.
  const keys = ["a", "B", "b", "z", "～", "😀"];
  for (const key of keys) await put(world, key, "v");
  const listed = await world.client.send(new aws.ListObjectsV2Command({ Bucket: world.bucket }));
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual(["B", "a", "b", "z", "～", "😀"]);
});

conformance("prefix and delimiter fold keys into common prefixes", async (world) => {
  for (const key of ["a/1", "a/2", "a/b/3", "b/4", "c"]) await put(world, key, key);
  const list = async (more: Partial<aws.ListObjectsV2CommandInput>) => {
    const page = await world.client.send(new aws.ListObjectsV2Command({ Bucket: world.bucket, ...more }));
    return [
      page.Contents?.map(({ Key }) => Key) ?? [],
      page.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? [],
    ];
  };
  expect(await list({ Delimiter: "/" })).toEqual([["c"], ["a/", "b/"]]);
  expect(await list({ Prefix: "a/", Delimiter: "/" })).toEqual([["a/1", "a/2"], ["a/b/"]]);
  expect(await list({ Prefix: "a" })).toEqual([["a/1", "a/2", "a/b/3"], []]);
  expect(await list({ StartAfter: "a/2" })).toEqual([["a/b/3", "b/4", "c"], []]);
  expect(await list({ Prefix: "none" })).toEqual([[], []]);
});

conformance("pages join to the whole listing, prefixes counted", async (world) => {
  const keys = ["a/1", "a/2", "b", "c/1", "c/2", "d", "e"];
  for (const key of keys) await put(world, key, "v");
  for (const MaxKeys of [1, 2, 3]) {
    const told: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page: aws.ListObjectsV2CommandOutput = await world.client.send(
        new aws.ListObjectsV2Command({ Bucket: world.bucket, Delimiter: "/", MaxKeys, ContinuationToken }),
      );
      expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys);
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      told.push(
        ...(page.Contents ?? []).map(({ Key }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      );
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(told.sort()).toEqual(["a/", "b", "c/", "d", "e"]);
  }
});

conformance("a listing tells size and ETag", async (world) => {
  await put(world, "k", "hello");
  const listed = await world.client.send(new aws.ListObjectsV2Command({ Bucket: world.bucket }));
  expect(listed.Contents).toMatchObject([
    { Key: "k", Size: 5, ETag: `"${md5("hello")}"`, StorageClass: "STANDARD" },
  ]);
});

// --- copying -------------------------------------------------------------------------------------

conformance("a copy keeps bytes and metadata, or takes new metadata", async (world) => {
  const { client, bucket } = world;
  await put(world, "from/ü + %", "text", { ContentType: "text/plain", Metadata: { a: "1" } });
  const CopySource = `${bucket}/${encodeURIComponent("from/ü + %")}`;
  const copied = await client.send(new aws.CopyObjectCommand({ Bucket: bucket, Key: "to", CopySource }));
  expect(copied.CopyObjectResult?.ETag).toBe(`"${md5("text")}"`);
  expect(await read(world, "to")).toMatchObject({
    text: "text",
    ContentType: "text/plain",
    Metadata: { a: "1" },
  });
  await client.send(
    new aws.CopyObjectCommand({
      Bucket: bucket,
      Key: "anew",
      CopySource,
      MetadataDirective: "REPLACE",
      Metadata: { b: "2" },
      ContentType: "text/html",
    }),
  );
  expect(await read(world, "anew")).toMatchObject({
    text: "text",
    ContentType: "text/html",
    Metadata: { b: "2" },
  });
});

conformance("a copy onto itself or of nothing is refused", async (world) => {
  const { client, bucket } = world;
  await put(world, "k", "text");
  const copy = (Key: string, source: string, more: object = {}) =>
    refusal(
      client.send(
        new aws.CopyObjectCommand({ Bucket: bucket, Key, CopySource: `${bucket}/${source}`, ...more }),
      ),
    );
  expect(await copy("k", "k")).toEqual(["InvalidRequest", 400]);
  expect(await copy("to", "none")).toEqual(["NoSuchKey", 404]);
});

conformance("a copy keeps its condition on the source", async ({ client, bucket }) => {
  await put({ client, bucket }, "k", "text");
  const copy = client.send(
    new aws.CopyObjectCommand({
      Bucket: bucket,
      Key: "to",
      CopySource: `${bucket}/k`,
      CopySourceIfMatch: '"other"',
    }),
  );
  expect(await refusal(copy)).toEqual(["PreconditionFailed", 412]);
});

// --- multipart -----------------------------------------------------------------------------------

async function begin({ client, bucket }: World, Key: string, more: object = {}) {
  const upload = await client.send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key, ...more }));
  const address = { Bucket: bucket, Key, UploadId: upload.UploadId };
  return {
    address,
    part: async (PartNumber: number, Body: Buffer, more: object = {}) => {
      const done = await client.send(new aws.UploadPartCommand({ ...address, PartNumber, Body, ...more }));
      return {
        PartNumber,
        ETag: done.ETag,
        ChecksumCRC32: done.ChecksumCRC32,
        ChecksumSHA256: done.ChecksumSHA256,
      };
    },
    complete: (Parts: aws.CompletedPart[], more: object = {}) =>
      client.send(
        new aws.CompleteMultipartUploadCommand({ ...address, MultipartUpload: { Parts }, ...more }),
      ),
  };
}

conformance("parts are joined in the order of their numbers, and the upload is over", async (world) => {
  const { client } = world;
  const upload = await begin(world, "big", {
    ContentType: "text/plain",
    ChecksumAlgorithm: "CRC32",
    Metadata: { a: "1" },
  });
  const one = Buffer.alloc(5 * MIB, "1");
  const two = Buffer.from("the end");
  const second = await upload.part(2, two);
  await upload.part(1, Buffer.alloc(5 * MIB, "x"));
  const first = await upload.part(1, one);
  const parts = await client.send(new aws.ListPartsCommand(upload.address));
  expect(parts.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
    [1, 5 * MIB],
    [2, two.length],
  ]);
  const done = await upload.complete([first, second]);
  const hash = createHash("md5")
    .update(Buffer.from(md5(one) + md5(two), "hex"))
    .digest("hex");
  expect(done.ETag).toBe(`"${hash}-2"`);
  const found = await read(world, "big");
  expect(found.text).toBe(Buffer.concat([one, two]).toString());
  expect(found).toMatchObject({ ContentType: "text/plain", Metadata: { a: "1" } });
  const left = await client.send(new aws.ListMultipartUploadsCommand({ Bucket: world.bucket }));
  expect(left.Uploads ?? []).toEqual([]);
});

conformance("a multipart object has the checksum of its parts' checksums", async (world) => {
  const one = Buffer.alloc(5 * MIB, "1");
  const two = Buffer.from("the end");
  const composite = await begin(world, "composite", { ChecksumAlgorithm: "SHA256" });
  const parts = [
    await composite.part(1, one, { ChecksumAlgorithm: "SHA256" }),
    await composite.part(2, two, { ChecksumAlgorithm: "SHA256" }),
  ];
  const sha256 = (body: Buffer) => createHash("sha256").update(body).digest();
  const expected = `${sha256(Buffer.concat([sha256(one), sha256(two)])).toString("base64")}-2`;
  expect((await composite.complete(parts)).ChecksumSHA256).toBe(expected);
});

conformance("a multipart object has the checksum of the whole when that was asked", async (world) => {
  const one = Buffer.alloc(5 * MIB, "1");
  const two = Buffer.from("the end");
  const whole = await begin(world, "whole", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
  const done = await whole.complete([await whole.part(1, one), await whole.part(2, two)]);
  await put(world, "same", Buffer.concat([one, two]), { ChecksumAlgorithm: "CRC32" });
  const same = await world.client.send(
    new aws.HeadObjectCommand({ Bucket: world.bucket, Key: "same", ChecksumMode: "ENABLED" }),
  );
  expect(done).toMatchObject({ ChecksumCRC32: same.ChecksumCRC32, ChecksumType: "FULL_OBJECT" });
});

conformance("parts unknown or too small are refused, and the upload goes on", async (world) => {
  const upload = await begin(world, "k");
  const first = await upload.part(1, Buffer.alloc(5 * MIB));
  const small = await upload.part(2, Buffer.alloc(100));
  const third = await upload.part(3, Buffer.alloc(100));
  expect(await refusal(upload.complete([{ ...first, ETag: `"${md5("other")}"` }]))).toEqual([
    "InvalidPart",
    400,
  ]);
  expect(await refusal(upload.complete([first, { ...third, PartNumber: 4 }]))).toEqual(["InvalidPart", 400]);
  expect(await refusal(upload.complete([first, small, third]))).toEqual(["EntityTooSmall", 400]);
  await upload.complete([first, third]);
  expect((await read(world, "k")).ContentLength).toBe(5 * MIB + 100);
});

conformance("parts are named in ascending order", async (world) => {
  const upload = await begin(world, "k");
  const first = await upload.part(1, Buffer.alloc(5 * MIB));
  const second = await upload.part(2, Buffer.alloc(5 * MIB));
  expect(await refusal(upload.complete([second, first]))).toEqual(["InvalidPartOrder", 400]);
});

conformance("an aborted upload leaves nothing", async (world) => {
  const { client, bucket } = world;
  const upload = await begin(world, "k");
  const first = await upload.part(1, Buffer.alloc(100));
  const begun = await client.send(new aws.ListMultipartUploadsCommand({ Bucket: bucket }));
  expect(begun.Uploads).toMatchObject([{ Key: "k", UploadId: upload.address.UploadId }]);
  await client.send(new aws.AbortMultipartUploadCommand(upload.address));
  expect(await refusal(upload.complete([first]))).toEqual(["NoSuchUpload", 404]);
  expect(await refusal(read(world, "k"))).toEqual(["NoSuchKey", 404]);
});

conformance("an upload that is over takes and tells no parts", async (world) => {
  const upload = await begin(world, "k");
  await world.client.send(new aws.AbortMultipartUploadCommand(upload.address));
  expect(await refusal(upload.part(1, Buffer.alloc(100)))).toEqual(["NoSuchUpload", 404]);
  const parts = world.client.send(new aws.ListPartsCommand(upload.address));
  expect(await refusal(parts)).toEqual(["NoSuchUpload", 404]);
});

conformance("completing keeps If-None-Match: *", async (world) => {
  const upload = await begin(world, "k");
  const first = await upload.part(1, Buffer.from("multipart"));
  await put(world, "k", "first");
  expect(await refusal(upload.complete([first], { IfNoneMatch: "*" }))).toEqual(["PreconditionFailed", 412]);
  expect((await read(world, "k")).text).toBe("first");
});

conformance("listings of uploads and of parts come in pages", async (world) => {
  const { client, bucket } = world;
  for (const key of ["a", "b", "b", "c"]) await begin(world, key);
  const keys: (string | undefined)[] = [];
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page: aws.ListMultipartUploadsCommandOutput = await client.send(
      new aws.ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 1, ...marker }),
    );
    keys.push(...(page.Uploads ?? []).map(({ Key }) => Key));
    if (!page.IsTruncated) break;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
  expect(keys).toEqual(["a", "b", "b", "c"]);
  const upload = await begin(world, "p");
  for (const number of [1, 2, 3]) await upload.part(number, Buffer.alloc(10));
  const parts = await client.send(new aws.ListPartsCommand({ ...upload.address, MaxParts: 2 }));
  expect(parts).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
  const rest = await client.send(new aws.ListPartsCommand({ ...upload.address, PartNumberMarker: "2" }));
  expect(rest.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([3]);
});

// --- versions ------------------------------------------------------------------------------------

conformance("a versioned bucket keeps what is overwritten and what is deleted", async (world) => {
  const { client, bucket } = world;
  await put(world, "k", "before versions");
  await enableVersions(world);
  const first = await put(world, "k", "first");
  const second = await put(world, "k", "second");
  expect(first.VersionId).not.toBe(second.VersionId);
  expect((await read(world, "k", { VersionId: first.VersionId })).text).toBe("first");
  expect((await read(world, "k", { VersionId: "null" })).text).toBe("before versions");
  const marker = await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k" }));
  expect(marker.DeleteMarker).toBe(true);
  expect(await refusal(read(world, "k"))).toEqual(["NoSuchKey", 404]);
  expect((await read(world, "k", { VersionId: second.VersionId })).text).toBe("second");
  const gone = await client.send(
    new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k", VersionId: marker.VersionId }),
  );
  expect(gone.VersionId).toBe(marker.VersionId);
  expect((await read(world, "k")).text).toBe("second");
  await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k", VersionId: second.VersionId }));
  expect((await read(world, "k")).text).toBe("first");
});

conformance("a delete marker asked for by its id is MethodNotAllowed", async (world) => {
  await enableVersions(world);
  await put(world, "k", "v");
  const marker = await world.client.send(new aws.DeleteObjectCommand({ Bucket: world.bucket, Key: "k" }));
  expect(await refusal(read(world, "k", { VersionId: marker.VersionId }))).toEqual(["MethodNotAllowed", 405]);
  const gone = await world.client.send(
    new aws.DeleteObjectCommand({ Bucket: world.bucket, Key: "k", VersionId: marker.VersionId }),
  );
  expect(gone.DeleteMarker).toBe(true);
});

conformance("versions are listed newest first, delete markers among them, in pages", async (world) => {
  const { client, bucket } = world;
  await enableVersions(world);
  for (const [key, text] of [
    ["a", "1"],
    ["a", "22"],
    ["b", "333"],
  ] as const)
    await put(world, key, text);
  await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "a" }));
  const whole = await client.send(new aws.ListObjectVersionsCommand({ Bucket: bucket }));
  expect(whole.Versions?.map(({ Key, Size, IsLatest }) => [Key, Size, IsLatest])).toEqual([
    ["a", 2, false],
    ["a", 1, false],
    ["b", 3, true],
  ]);
  expect(whole.DeleteMarkers).toMatchObject([{ Key: "a", IsLatest: true }]);
  const ids: (string | undefined)[] = [];
  let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    const page: aws.ListObjectVersionsCommandOutput = await client.send(
      new aws.ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1, ...marker }),
    );
    ids.push(...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId));
    if (!page.IsTruncated) break;
    marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
  const all = [...(whole.DeleteMarkers ?? []), ...(whole.Versions ?? [])].map(({ VersionId }) => VersionId);
  expect(ids).toEqual(all);
});

conformance("a listing of objects leaves out what is marked deleted", async (world) => {
  await enableVersions(world);
  await put(world, "gone", "v");
  await put(world, "here", "v");
  await world.client.send(new aws.DeleteObjectCommand({ Bucket: world.bucket, Key: "gone" }));
  const listed = await world.client.send(new aws.ListObjectsV2Command({ Bucket: world.bucket }));
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual(["here"]);
});

conformance(
  "while versioning is suspended the null version is overwritten and the others stay",
  async (world) => {
    const { client, bucket } = world;
    await enableVersions(world);
    const kept = await put(world, "k", "kept");
    await enableVersions(world, "Suspended");
    await put(world, "k", "null 1");
    await put(world, "k", "null 2");
    const listed = await client.send(new aws.ListObjectVersionsCommand({ Bucket: bucket }));
    expect(listed.Versions?.map(({ VersionId }) => VersionId)).toEqual(["null", kept.VersionId]);
    expect((await read(world, "k")).text).toBe("null 2");
    expect((await client.send(new aws.GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBe(
      "Suspended",
    );
  },
);

conformance("a version that is not there is NoSuchVersion", async (world) => {
  await enableVersions(world);
  const { VersionId } = await put(world, "k", "v");
  await world.client.send(new aws.DeleteObjectCommand({ Bucket: world.bucket, Key: "k", VersionId }));
  await put(world, "k", "again");
  expect((await refusal(read(world, "k", { VersionId })))[0]).toBe("NoSuchVersion");
});

conformance("If-None-Match: * may write over a delete marker", async (world) => {
  await enableVersions(world);
  await put(world, "k", "first");
  await world.client.send(new aws.DeleteObjectCommand({ Bucket: world.bucket, Key: "k" }));
  await put(world, "k", "second", { IfNoneMatch: "*" });
  expect((await read(world, "k")).text).toBe("second");
});

conformance(
  "a version is copied back over what came after it, with its description, deleted or not",
  async (world) => {
    const { client, bucket } = world;
    const key = "a b/+ü&?.txt";
    await put(world, key, "null version", { Metadata: { age: "old" } });
    await enableVersions(world);
    const old = await put(world, key, "old", {
      Metadata: { owner: "somebody" },
      ContentType: "text/x-old",
      CacheControl: "no-store",
    });
    const back = (VersionId: string, more: object = {}) =>
      client.send(
        new aws.CopyObjectCommand({
          Bucket: bucket,
          Key: key,
          CopySource: `${bucket}/${encodeURIComponent(key)}?versionId=${encodeURIComponent(VersionId)}`,
          ...more,
        }),
      );
    await put(world, key, "new", { Metadata: { owner: "release" } });
    const first = await back(old.VersionId ?? "");
    expect(first.CopySourceVersionId).toBe(old.VersionId);
    expect(await read(world, key)).toMatchObject({
      text: "old",
      VersionId: first.VersionId,
      Metadata: { owner: "somebody" },
      ContentType: "text/x-old",
      CacheControl: "no-store",
    });
    await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: key }));
    await back("null");
    expect(await read(world, key)).toMatchObject({ text: "null version", Metadata: { age: "old" } });
    expect(await refusal(back("a-version-that-never-was"))).toEqual(
      expect.arrayContaining([expect.stringMatching(/NoSuchVersion|InvalidArgument/)]),
    );
  },
);

conformance("a copy is made only over what its condition names", async (world) => {
  const { client, bucket } = world;
  await enableVersions(world);
  const source = await put(world, "k", "old");
  const newer = await put(world, "k", "new");
  const copy = (more: object) =>
    refusal(
      client.send(
        new aws.CopyObjectCommand({
          Bucket: bucket,
          Key: "k",
          CopySource: `${bucket}/k?versionId=${source.VersionId}`,
          ...more,
        }),
      ),
    );
  expect(await copy({ IfMatch: source.ETag })).toEqual(["PreconditionFailed", 412]);
  expect(await copy({ IfNoneMatch: "*" })).toEqual(["PreconditionFailed", 412]);
  expect((await read(world, "k")).text).toBe("new");
  expect(await copy({ IfMatch: newer.ETag })).toEqual(["none", 200]);
  await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: "k" }));
  expect((await copy({ IfMatch: newer.ETag }))[1]).toBe(404);
  expect(await copy({ IfNoneMatch: "*" })).toEqual(["none", 200]);
  expect((await read(world, "k")).text).toBe("old");
});

conformance("parts are copied from ranges of a version, and joined", async (world) => {
  const { client, bucket } = world;
  await enableVersions(world);
  const bytes = Buffer.alloc(6 * MIB, 1);
  bytes.fill(2, 5 * MIB);
  const source = await put(world, "k", bytes);
  await put(world, "k", "newer");
  const upload = { Bucket: bucket, Key: "k" };
  const { UploadId } = await client.send(
    new aws.CreateMultipartUploadCommand({ ...upload, ContentType: "video/mp4", Metadata: { a: "b" } }),
  );
  const copy = (PartNumber: number, CopySourceRange: string) =>
    client.send(
      new aws.UploadPartCopyCommand({
        ...upload,
        UploadId,
        PartNumber,
        CopySource: `${bucket}/k?versionId=${source.VersionId}`,
        CopySourceRange,
      }),
    );
  const first = await copy(1, `bytes=0-${5 * MIB - 1}`);
  const second = await copy(2, `bytes=${5 * MIB}-${6 * MIB - 1}`);
  expect(first.CopyPartResult?.ETag).toBe(`"${md5(bytes.subarray(0, 5 * MIB))}"`);
  await client.send(
    new aws.CompleteMultipartUploadCommand({
      ...upload,
      UploadId,
      MultipartUpload: {
        Parts: [first, second].map(({ CopyPartResult }, index) => ({
          PartNumber: index + 1,
          ETag: CopyPartResult?.ETag,
        })),
      },
    }),
  );
  const found = await client.send(new aws.GetObjectCommand(upload));
  const whole = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
  expect(whole.equals(bytes)).toBe(true);
  expect(found).toMatchObject({ ContentType: "video/mp4", Metadata: { a: "b" } });
});

conformance("a part is copied from inside its source only", async (world) => {
  const { client, bucket } = world;
  await put(world, "k", "source");
  const upload = { Bucket: bucket, Key: "copy" };
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand(upload));
  const copy = (CopySource: string, CopySourceRange: string) =>
    refusal(
      client.send(
        new aws.UploadPartCopyCommand({ ...upload, UploadId, PartNumber: 1, CopySource, CopySourceRange }),
      ),
    );
  expect(await copy(`${bucket}/k`, "bytes=0-6")).toEqual(["InvalidArgument", 400]);
  expect(await copy(`${bucket}/k`, "bytes=3-2")).toEqual(["InvalidArgument", 400]);
  expect(await copy(`${bucket}/none`, "bytes=0-5")).toEqual(["NoSuchKey", 404]);
  expect(await copy(`${bucket}/k`, "bytes=0-5")).toEqual(["none", 200]);
});

conformance("versions of keys with every kind of character are listed encoded, in pages", async (world) => {
  const { client, bucket } = world;
  await enableVersions(world);
  const keys = ["a b", "a+b", "a%20b", "a&<b>", "a\u0001b", "a/ü/𝒳", "a~"];
  for (const key of keys) for (const text of ["1", "22"]) await put(world, key, text);
  const found: [key: string, latest: boolean | undefined][] = [];
  const decode = (key = "") => decodeURIComponent(key.replaceAll("+", " "));
  let marker: { KeyMarker?: string; VersionIdMarker?: string | undefined } | undefined = {};
  while (marker !== undefined) {
    const page: aws.ListObjectVersionsCommandOutput = await client.send(
      new aws.ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 3, EncodingType: "url", ...marker }),
    );
    for (const { Key, IsLatest } of page.Versions ?? []) found.push([decode(Key), IsLatest]);
    marker = page.IsTruncated
      ? { KeyMarker: decode(page.NextKeyMarker), VersionIdMarker: page.NextVersionIdMarker }
      : undefined;
  }
  const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(found).toEqual(
    sorted.flatMap((key) => [
      [key, true],
      [key, false],
    ]),
  );
});

// --- object lock ---------------------------------------------------------------------------------

async function lockedBucket({ client }: World): Promise<World> {
  return { client, bucket: await freshBucket(client, { ObjectLockEnabledForBucket: true }) };
}

const inAnHour = () => new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000);

const removeVersion = ({ client, bucket }: World, VersionId: string | undefined, bypass = false) =>
  refusal(
    client.send(
      new aws.DeleteObjectCommand({
        Bucket: bucket,
        Key: "k",
        VersionId,
        ...(bypass && { BypassGovernanceRetention: true }),
      }),
    ),
  );

conformance("COMPLIANCE keeps a version from everybody until its date", async (world) => {
  const locked = await lockedBucket(world);
  const until = inAnHour();
  const { VersionId } = await put(locked, "k", "v", {
    ObjectLockMode: "COMPLIANCE",
    ObjectLockRetainUntilDate: until,
  });
  expect(await removeVersion(locked, VersionId)).toEqual(["AccessDenied", 403]);
  expect(await removeVersion(locked, VersionId, true)).toEqual(["AccessDenied", 403]);
  expect(await read(locked, "k")).toMatchObject({
    text: "v",
    ObjectLockMode: "COMPLIANCE",
    ObjectLockRetainUntilDate: until,
  });
  // A delete marker takes nothing away.
  expect(await removeVersion(locked, undefined)).toEqual(["none", 200]);
  expect((await read(locked, "k", { VersionId })).text).toBe("v");
});

conformance("GOVERNANCE gives way to who says so", async (world) => {
  const locked = await lockedBucket(world);
  const { VersionId } = await put(locked, "k", "v", {
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: inAnHour(),
  });
  expect(await removeVersion(locked, VersionId)).toEqual(["AccessDenied", 403]);
  expect(await removeVersion(locked, VersionId, true)).toEqual(["none", 200]);
});

conformance("a legal hold keeps a version until it is lifted", async (world) => {
  const locked = await lockedBucket(world);
  const { VersionId } = await put(locked, "k", "v");
  const hold = (Status: "ON" | "OFF") =>
    locked.client.send(
      new aws.PutObjectLegalHoldCommand({
        Bucket: locked.bucket,
        Key: "k",
        VersionId,
        LegalHold: { Status },
      }),
    );
  await hold("ON");
  expect(await removeVersion(locked, VersionId, true)).toEqual(["AccessDenied", 403]);
  const told = await locked.client.send(
    new aws.GetObjectLegalHoldCommand({ Bucket: locked.bucket, Key: "k", VersionId }),
  );
  expect(told.LegalHold?.Status).toBe("ON");
  await hold("OFF");
  expect(await removeVersion(locked, VersionId)).toEqual(["none", 200]);
});

conformance("a retention may grow, and in COMPLIANCE never shrink", async (world) => {
  const locked = await lockedBucket(world);
  const until = inAnHour();
  const { VersionId } = await put(locked, "k", "v");
  const retain = (RetainUntilDate: Date, Mode: "COMPLIANCE" | "GOVERNANCE" = "COMPLIANCE") =>
    refusal(
      locked.client.send(
        new aws.PutObjectRetentionCommand({
          Bucket: locked.bucket,
          Key: "k",
          VersionId,
          Retention: { Mode, RetainUntilDate },
          BypassGovernanceRetention: true,
        }),
      ),
    );
  expect(await retain(until)).toEqual(["none", 200]);
  const longer = new Date(until.getTime() + 3_600_000);
  expect(await retain(longer)).toEqual(["none", 200]);
  expect(await retain(until)).toEqual(["AccessDenied", 403]);
  expect(await retain(longer, "GOVERNANCE")).toEqual(["AccessDenied", 403]);
  const told = await locked.client.send(
    new aws.GetObjectRetentionCommand({ Bucket: locked.bucket, Key: "k", VersionId }),
  );
  expect(told.Retention).toEqual({ Mode: "COMPLIANCE", RetainUntilDate: longer });
});

conformance("a bucket's default retention locks what brings none", async (world) => {
  const locked = await lockedBucket(world);
  const { client, bucket: Bucket } = locked;
  await client.send(
    new aws.PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: "Enabled",
        Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } },
      },
    }),
  );
  const told = await client.send(new aws.GetObjectLockConfigurationCommand({ Bucket }));
  expect(told.ObjectLockConfiguration).toMatchObject({
    ObjectLockEnabled: "Enabled",
    Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } },
  });
  const { VersionId } = await put(locked, "k", "v");
  expect(await removeVersion(locked, VersionId)).toEqual(["AccessDenied", 403]);
});

conformance("a bucket without Object Lock takes no locks", async (world) => {
  const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: inAnHour() };
  expect(await refusal(put(world, "k", "v", lock))).toEqual(["InvalidRequest", 400]);
  const told = world.client.send(new aws.GetObjectLockConfigurationCommand({ Bucket: world.bucket }));
  expect(await refusal(told)).toEqual(["ObjectLockConfigurationNotFoundError", 404]);
});

conformance("versioning cannot be suspended under Object Lock", async (world) => {
  const locked = await lockedBucket(world);
  expect(await refusal(enableVersions(locked, "Suspended"))).toEqual(["InvalidBucketState", 409]);
});

// --- signatures ----------------------------------------------------------------------------------

conformance("a presigned URL reads and writes without a key", async (world) => {
  const { client, bucket: Bucket } = world;
  const command = new aws.PutObjectCommand({
    Bucket,
    Key: "k ü+%",
    ContentType: "text/plain",
    Metadata: { a: "1" },
  });
  // Without this the presigner signs the checksum of an empty body.
  const signer = clientOf(await urlOf(client), { requestChecksumCalculation: "WHEN_REQUIRED" });
  const write = await getSignedUrl(signer, command, { signableHeaders: new Set(["host", "content-type"]) });
  const written = await fetch(write, {
    method: "PUT",
    body: "signed",
    headers: { "content-type": "text/plain" },
  });
  expect(written.status).toBe(200);
  const get = await getSignedUrl(client, new aws.GetObjectCommand({ Bucket, Key: "k ü+%" }));
  const response = await fetch(get);
  expect(await response.text()).toBe("signed");
  expect(response.headers.get("content-type")).toBe("text/plain");
  expect((await read(world, "k ü+%")).Metadata).toEqual({ a: "1" });
});

conformance("a presigned URL may wish for headers of the answer", async (world) => {
  await put(world, "k", "v", { ContentType: "text/plain" });
  const command = new aws.GetObjectCommand({
    Bucket: world.bucket,
    Key: "k",
    ResponseContentDisposition: "attachment",
    ResponseContentType: "text/html",
  });
  const { headers } = await fetch(await getSignedUrl(world.client, command));
  expect(headers.get("content-disposition")).toBe("attachment");
  expect(headers.get("content-type")).toBe("text/html");
});

conformance("abuse 27: a stale presigned URL is AccessDenied", async (world) => {
  await put(world, "k", "v");
  const url = await getSignedUrl(world.client, new aws.GetObjectCommand({ Bucket: world.bucket, Key: "k" }), {
    expiresIn: 60,
    signingDate: new Date(Date.now() - 120_000),
  });
  const response = await fetch(url);
  expect(response.status).toBe(403);
  expect(await response.text()).toContain("<Code>AccessDenied</Code><Message>Request has expired</Message>");
});

conformance("a presigned URL holds for its key, its method and its query only", async (world) => {
  await put(world, "k", "v");
  await put(world, "other", "secret");
  const url = await getSignedUrl(world.client, new aws.GetObjectCommand({ Bucket: world.bucket, Key: "k" }));
  const tampered = [
    [url.replace("/k?", "/other?"), "GET"],
    [url, "PUT"],
    [`${url}&versionId=null`, "GET"],
    [url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"), "GET"],
  ] as const;
  for (const [address, method] of tampered) {
    const response = await fetch(address, { method });
    expect([method, response.status]).toEqual([method, 403]);
    expect(await response.text()).toContain("SignatureDoesNotMatch");
  }
});

conformance("a wrong secret and an unknown key are refused", async (world) => {
  const url = await urlOf(world.client);
  const as = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
    refusal(put({ ...world, client: clientOf(url, { credentials }) }, "k", "v"));
  expect(await as({ ...LOCAL_CREDENTIALS, secretAccessKey: "wrong" })).toEqual([
    "SignatureDoesNotMatch",
    403,
  ]);
  expect(await as({ ...LOCAL_CREDENTIALS, accessKeyId: "unknown" })).toEqual(["InvalidAccessKeyId", 403]);
});

// --- the endpoints -------------------------------------------------------------------------------

test("docs/emulators.md tells where S3 of ours and moto differ, and every difference is a case", async () => {
  const text = await readFile(new URL("../../docs/emulators.md", import.meta.url), "utf8");
  const page = text.replace(/ +/g, " ");
  const rows = Object.entries(MOTO_DIFFERS).map(([name, reason]) => `| ${name} | ${reason} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  expect(Object.keys(CASES)).toEqual(expect.arrayContaining(Object.keys(MOTO_DIFFERS)));
});

const moto = motoFor("s3");
const ENDPOINTS = [
  { name: "our endpoint", start: ourEndpoint, differs: {} as Record<string, string> },
  ...(moto ? [{ name: "moto", start: moto, differs: MOTO_DIFFERS }] : []),
];

describe.each(ENDPOINTS)("$name", ({ start, differs }) => {
  let endpoint: Endpoint;
  let client: aws.S3Client;
  beforeAll(async () => {
    endpoint = await start();
    client = clientOf(endpoint.url);
  });
  afterAll(async () => {
    client.destroy();
    await endpoint.stop();
  });
  for (const [name, body] of Object.entries(CASES))
    if (!(name in differs)) test(name, async () => body({ client, bucket: await freshBucket(client) }));
});
