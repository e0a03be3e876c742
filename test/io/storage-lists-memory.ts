/** Writes a list of 120,000 objects and compares it with another, in a process whose memory is its own to measure; tells the outcome as JSON. */
import * as aws from "@aws-sdk/client-s3";
import { compareListings, type StoredVersion } from "../../core/storage.ts";
import { openListWriter, readList } from "../../io/object-list.ts";
import { openObjectStore } from "../../io/object-store.ts";

const OBJECTS = 120_000;

const client = new aws.S3Client({});
await client.send(new aws.CreateBucketCommand({ Bucket: "lists" }));
client.destroy();
const store = openObjectStore({ bucket: "lists" });
let peak = 0;

/** In the order of their keys; every tenth has another version when `changed`. */
async function* objects(count: number, changed: boolean): AsyncGenerator<StoredVersion> {
  for (let number = 0; number < count; number++) {
    if (number % 1_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
    const version = changed && number % 10 === 0 ? "another" : "first";
    const key = `storage/media/${String(number).padStart(8, "0")}/${"a-long-name-".repeat(8)}.mp4`;
    yield { key, versionId: `${version}-version-of-thirty-two-bytes`, etag: `"${number}"`, size: 1 };
  }
}

async function write(prefix: string, count: number) {
  const writer = openListWriter(store, prefix);
  for await (const object of objects(count, false)) await writer.add(object);
  return writer.close();
}

// What is loaded and compiled on first use is not what grows with the list.
for await (const _ of readList(store, (await write("small/", 10_000)).parts)) peak = 0;
const before = process.memoryUsage.rss();
const { parts, ...total } = await write("large/", OBJECTS);
let changes = 0;
for await (const _ of compareListings(readList(store, parts), objects(OBJECTS, true))) changes++;
store.close();
const bytes = parts.reduce((sum, { size }) => sum + size, 0);
process.stdout.write(
  JSON.stringify({ ...total, parts: parts.length, written: bytes, changes, grown: peak - before }),
);
