/** The client of S3, loaded when a bucket is first spoken to; its endpoint, region and credentials are the environment's. */
import type { LoadedClient } from "./stored-object.ts";
import { followed } from "./telemetry/trace.ts";

/** `longest`: milliseconds that S3 may be silent; `elsewhere`: the bucket may be in another region. */
export async function loadS3({
  longest = 60_000,
  elsewhere = false,
}: {
  longest?: number;
  elsewhere?: boolean | undefined;
} = {}): Promise<LoadedClient> {
  const s3 = await import("@aws-sdk/client-s3");
  const client = new s3.S3Client({
    retryMode: "standard",
    maxAttempts: 5,
    followRegionRedirects: elsewhere,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: longest },
  });
  return { s3, client: followed(client) };
}
