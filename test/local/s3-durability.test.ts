/** The endpoint killed with SIGKILL under load, again and again: what it acknowledged is there, and nothing is half there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as aws from "@aws-sdk/client-s3";
import { afterAll, expect, test } from "vitest";
import { LOCAL_CREDENTIALS } from "../../local/s3/server.ts";

const ROUNDS = 6;
const WRITERS = 8;
const BUCKETS = ["plain", "versioned"] as const;

const folder = await mkdtemp(join(tmpdir(), "rehearsal-s3-kill-"));
afterAll(() => rm(folder, { recursive: true }));

/** A content's number, or that nothing is there. */
type State = number | "absent";

interface Known {
  settled: State;
  /** Asked for and not answered: it may have happened. */
  pending?: State;
}

/** Every content tells its key and number and has a length of its own, so that a torn one cannot pass for whole. */
function contentOf(key: string, number: number): Buffer {
  return Buffer.alloc(20 + ((number * 7_919) % 300_000), `${key} ${number};`);
}

/** Mulberry32: the same schedule of kills in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function startChild() {
  const child = spawn(process.execPath, [fileURLToPath(new URL("s3-child.ts", import.meta.url)), folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const client = new aws.S3Client({
    endpoint: url,
    region: "eu-central-1",
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  });
  return {
    client,
    kill: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      client.destroy();
    },
  };
}

async function write(client: aws.S3Client, Bucket: string, Key: string, number: number, multipart: boolean) {
  const Body = contentOf(Key, number);
  if (!multipart) return client.send(new aws.PutObjectCommand({ Bucket, Key, Body }));
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket, Key }));
  const { ETag } = await client.send(
    new aws.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body }),
  );
  return client.send(
    new aws.CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
}

async function stateOf(client: aws.S3Client, Bucket: string, Key: string, known: Known): Promise<State> {
  try {
    const found = await client.send(new aws.GetObjectCommand({ Bucket, Key }));
    const bytes = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
    const whole = [known.settled, known.pending].find(
      (state) => typeof state === "number" && contentOf(Key, state).equals(bytes),
    );
    return whole ?? Number.NaN;
  } catch (error) {
    if (error instanceof aws.NoSuchKey) return "absent";
    throw error;
  }
}

test("after kill -9 at any moment every acknowledged object is whole, and every other absent or whole", async () => {
  const random = seeded(20_260_101);
  const known = new Map<string, Known>();
  let number = 0;
  let interrupted = 0;
  let child = await startChild();
  for (const Bucket of BUCKETS) await child.client.send(new aws.CreateBucketCommand({ Bucket }));
  await child.client.send(
    new aws.PutBucketVersioningCommand({
      Bucket: "versioned",
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );

  for (let round = 0; round < ROUNDS; round++) {
    const { client, kill } = child;
    let left = 20 + Math.floor(random() * 120);
    let killed: Promise<void> | undefined;
    const writer = async (index: number) => {
      const bucket = BUCKETS[index % BUCKETS.length] ?? "plain";
      while (killed === undefined) {
        const key = `writer ${index}/key ${Math.floor(random() * 4)}`;
        const address = `${bucket}:${key}`;
        const state = known.get(address) ?? { settled: "absent" as const };
        const draw = random();
        const next: State = draw < 0.15 ? "absent" : ++number;
        known.set(address, { ...state, pending: next });
        try {
          if (next === "absent") await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: key }));
          else await write(client, bucket, key, next, draw > 0.75);
        } catch (error) {
          // Cut off in the middle of it: the one thing that may end a writer.
          if (killed !== undefined) return;
          throw error;
        }
        known.set(address, { settled: next });
        if (--left === 0) killed = kill();
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, index) => writer(index)));
    await killed;

    child = await startChild();
    expect(await readdir(join(folder, "staging"))).toEqual([]);
    for (const [address, state] of known) {
      const [bucket = "", key = ""] = address.split(":");
      if (state.pending !== undefined) interrupted++;
      const found = await stateOf(child.client, bucket, key, state);
      expect([address, [state.settled, state.pending]]).toEqual([address, expect.arrayContaining([found])]);
      known.set(address, { settled: found });
    }
    for (const bucket of BUCKETS) {
      const page = await child.client.send(new aws.ListObjectsV2Command({ Bucket: bucket }));
      const there = [...known].filter(
        ([address, { settled }]) => address.startsWith(`${bucket}:`) && settled !== "absent",
      );
      expect(page.Contents?.map(({ Key }) => `${bucket}:${Key}`)).toEqual(
        there.map(([address]) => address).sort(),
      );
    }
  }
  // Else nothing was killed in the middle of anything, and the test has shown nothing.
  expect(interrupted).toBeGreaterThan(ROUNDS);
  await child.kill();
});
