/** A bucket on an endpoint of this process's own, to which all of its clients of AWS are pointed: for what runs without a service. */
import { startS3 } from "./s3/server.ts";

/** Keeps what is put into `bucket` in the folder; `stop` ends the endpoint. */
export async function startOwnBucket(folder: string, bucket: string): Promise<{ stop(): Promise<void> }> {
  const s3 = await startS3({ folder, durable: false });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  });
  const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({});
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return s3;
}
