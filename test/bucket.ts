/** A bucket for tests, on the local S3 endpoint in a folder that goes away with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { type ObjectStore, openObjectStore } from "../io/object-store.ts";
import { startOwnBucket } from "../local/own-bucket.ts";

export interface TestBucket {
  store: ObjectStore;
  /** The keys under a prefix. */
  keys(prefix: string): Promise<string[]>;
  /** Uploads that were begun and neither completed nor aborted. */
  openUploads(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the endpoint and points this process's AWS clients to it. */
export async function startBucket(bucket = "tests"): Promise<TestBucket> {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-s3-"));
  const s3 = await startOwnBucket(folder, bucket);
  const client = new S3Client({});
  const store = openObjectStore({ bucket });
  return {
    store,
    keys: async (prefix) => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys;
    },
    openUploads: async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0,
    stop: async () => {
      store.close();
      client.destroy();
      await s3.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
