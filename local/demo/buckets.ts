/** Buckets of a demo's application, on the object store of this machine. */

/** Versioned, as what a rollback puts back has to be. */
export async function makeBuckets(...names: string[]): Promise<void> {
  const { CreateBucketCommand, PutBucketVersioningCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({});
  for (const Bucket of names) {
    await client.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: "Enabled" as const };
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  client.destroy();
}
