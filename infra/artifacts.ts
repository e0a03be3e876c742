/** The artifact bucket: versioned, encrypted, closed, and with Object Lock, so that what is locked stays whoever asks. */
import { bucketArn, bucketName } from "./deployment.ts";
import type { Place } from "./place.ts";

/** Keys and what they hold: FORMATS.md. Whatever is not named here is kept until the service removes it. */
const EXPORTS = "exports/";
const QUERIES = "queries/";
const BACKUPS = "backups/";

/**
 * No retention by default: it would lock exports and scratch as well, and a date that is too long cannot be taken back. What
 * is to be locked, backups until the date of their class and copies of the log, is locked object by object as it is written.
 */
export function createArtifacts({ deployment: d, permanent }: Place, key: aws.kms.Key): aws.s3.Bucket {
  const bucket = new aws.s3.Bucket("Artifacts", {
    bucket: bucketName(d),
    objectLockEnabled: true,
    forceDestroy: !permanent,
  });
  const of = { bucket: bucket.bucket };
  const versioning = new aws.s3.BucketVersioning("ArtifactsVersioning", {
    ...{ ...of, versioningConfiguration: { status: "Enabled" } },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration("ArtifactsEncryption", {
    ...of,
    rules: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
        // One call to the key for many objects: without it a backup of a terabyte makes a hundred thousand.
        bucketKeyEnabled: true,
      },
    ],
  });
  const closed = new aws.s3.BucketPublicAccessBlock("ArtifactsClosed", {
    ...{ ...of, blockPublicAcls: true, blockPublicPolicy: true },
    ...{ ignorePublicAcls: true, restrictPublicBuckets: true },
  });
  new aws.s3.BucketOwnershipControls("ArtifactsOwnership", {
    ...{ ...of, rule: { objectOwnership: "BucketOwnerEnforced" } },
  });
  new aws.s3.BucketPolicy(
    "ArtifactsPolicy",
    { ...of, policy: JSON.stringify({ Version: "2012-10-17", Statement: refusals(bucketArn(d)) }) },
    { dependsOn: [closed] },
  );
  new aws.s3.BucketLifecycleConfiguration(
    "ArtifactsLifecycle",
    { ...of, rules: LIFECYCLE },
    { dependsOn: [versioning] },
  );
  new aws.s3.BucketNotification("ArtifactsEvents", { ...of, eventbridge: true });
  return bucket;
}

/** Refusals only: what is allowed stands in the roles. */
function refusals(arn: string) {
  const everything = { Effect: "Deny", Principal: "*", Resource: [arn, `${arn}/*`] };
  return [
    {
      Sid: "TlsOnly",
      ...everything,
      Action: "s3:*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
    {
      Sid: "ModernTlsOnly",
      ...everything,
      Action: "s3:*",
      Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
    },
  ];
}

/**
 * Classes of retention have different dates, which the service keeps; by age it can be told what is read no more: a class
 * that lives longer than 90 days, such as `archive`, becomes cheap to keep and is still read within milliseconds. Of what the
 * service removes the versions stay a while, and locked ones until their date, whatever stands here.
 */
const LIFECYCLE: aws.types.input.s3.BucketLifecycleConfigurationRule[] = [
  {
    id: "give-up-uploads",
    status: "Enabled",
    filter: {},
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  },
  {
    id: "forget-removed",
    status: "Enabled",
    filter: {},
    noncurrentVersionExpiration: { noncurrentDays: 30 },
    expiration: { expiredObjectDeleteMarker: true },
  },
  {
    id: "backups-grow-cold",
    status: "Enabled",
    filter: { prefix: BACKUPS },
    transitions: [{ days: 90, storageClass: "GLACIER_IR" }],
    noncurrentVersionExpiration: { noncurrentDays: 7 },
  },
  {
    // The task removes them after a day; this is for one that died.
    id: "exports-last-two-days",
    status: "Enabled",
    filter: { prefix: EXPORTS },
    expiration: { days: 2 },
    noncurrentVersionExpiration: { noncurrentDays: 1 },
  },
  {
    // The sweep removes them after a day; what it cannot list, this does.
    id: "queries-last-two-days",
    status: "Enabled",
    filter: { prefix: QUERIES },
    expiration: { days: 2 },
    noncurrentVersionExpiration: { noncurrentDays: 1 },
  },
];
