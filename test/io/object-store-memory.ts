/** Streams 200 MB into the store and out again, in a process whose memory is its own to measure; tells the outcome as JSON. */
import { createHash } from "node:crypto";
import * as aws from "@aws-sdk/client-s3";
import { openObjectStore } from "../../io/object-store.ts";

const PIECE = 256 * 1_024;
const PIECES = 800;

const client = new aws.S3Client({});
await client.send(new aws.CreateBucketCommand({ Bucket: "memory" }));
client.destroy();
const store = openObjectStore({ bucket: "memory" });
let peak = 0;

async function* source(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    peak = Math.max(peak, process.memoryUsage.rss());
    yield Buffer.alloc(PIECE, index);
  }
}

// The SDK is loaded before the measure begins: its code is not what grows with the stream.
await store.putStream("small", source(1));
const before = process.memoryUsage.rss();
const put = await store.putStream("big", source(PIECES));
const hash = createHash("sha256");
for await (const piece of store.getStream("big")) {
  peak = Math.max(peak, process.memoryUsage.rss());
  hash.update(piece);
}
store.close();
process.stdout.write(
  JSON.stringify({ size: put.size, grown: peak - before, same: hash.digest("hex") === put.sha256 }),
);
