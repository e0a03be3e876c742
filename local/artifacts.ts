/** The bucket of artifacts, made as a deployment makes it: with versions. */

/** Makes it, unless it is there from an earlier run. */
export async function ensureBucket(endpoint: string, bucket: string): Promise<void> {
  const { BucketAlreadyOwnedByYou, CreateBucketCommand, PutBucketVersioningCommand, S3Client } = await import(
    "@aws-sdk/client-s3"
  );
  const client = new S3Client({ endpoint });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  }
  await client.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  client.destroy();
}
