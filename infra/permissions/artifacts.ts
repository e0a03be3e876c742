/**
 * Rights on the artifact bucket, by prefix. S3 answers 403 for an object that is missing to whoever may not list where it would
 * be; a function that has to tell "gone" from "forbidden" may therefore list what it reads.
 */
import { bucketArn, type Deployment, keyAlias, keyArns, objectArns } from "../deployment.ts";
import { allow, type Grant, grant, type Statement, sidOf } from "./statement.ts";

/** Reads objects, and sees what is there. */
export function reads(...prefixes: string[]): Grant {
  return grant(`read ${told(prefixes)}`, (d) => [
    allow(`Read${sidOf(prefixes.join(" "))}`, ["s3:GetObject"], all(d, prefixes)),
    lists("s3:ListBucket", d, prefixes),
  ]);
}

/**
 * Writes objects. What is written once is looked at when it is there already, which takes the right to read it; nothing of a
 * version that was written is lost by another one.
 */
export function writes(...prefixes: string[]): Grant {
  return grant(`write ${told(prefixes)}`, (d) => [
    allow(`Write${sidOf(prefixes.join(" "))}`, ["s3:PutObject", "s3:GetObject"], all(d, prefixes)),
  ]);
}

/** Puts objects by an upload in parts, and gives it up when it fails. */
export function uploads(...prefixes: string[]): Grant {
  return grant(`give up uploads to ${told(prefixes)}`, (d) => [
    allow(`Upload${sidOf(prefixes.join(" "))}`, ["s3:AbortMultipartUpload"], all(d, prefixes)),
  ]);
}

/** Writes so that nobody removes it before its date; to shorten one is granted to nobody, and in this mode cannot be. */
export function locks(prefix: string): Grant {
  return grant(`lock ${told([prefix])} until a date`, (d) => [
    allow("LookAtObjectLock", ["s3:GetBucketObjectLockConfiguration"], [bucketArn(d)]),
    allow(`LookAtLocks${sidOf(prefix)}`, ["s3:GetObjectRetention"], [objectArns(d, prefix)]),
    allow(`Lock${sidOf(prefix)}`, ["s3:PutObjectRetention"], [objectArns(d, prefix)], {
      StringEquals: { "s3:object-lock-mode": "COMPLIANCE" },
    }),
  ]);
}

/** Hides objects behind a marker; their versions stay. */
export function hides(...prefixes: string[]): Grant {
  return grant(`take back what it wrote under ${told(prefixes)}, of which the version stays`, (d) => [
    allow(`Hide${sidOf(prefixes.join(" "))}`, ["s3:DeleteObject"], all(d, prefixes)),
  ]);
}

/** Removes every version under a prefix, as far as Object Lock lets it. */
export function erases(...prefixes: string[]): Grant {
  return grant(`erase ${told(prefixes)}, unless it is locked`, (d) => [
    allow(
      `Erase${sidOf(prefixes.join(" "))}`,
      ["s3:DeleteObject", "s3:DeleteObjectVersion"],
      all(d, prefixes),
    ),
    lists("s3:ListBucketVersions", d, prefixes),
  ]);
}

/** Finds uploads that nobody ends. S3 knows no condition on the prefix for this listing, which names keys and no content. */
export const findsUploads: Grant = grant("see which uploads were begun and not ended", (d) => [
  allow("FindUploads", ["s3:ListBucketMultipartUploads"], [bucketArn(d)]),
]);

/** How the bucket keeps versions and locks. */
export const looksAtBucket: Grant = grant("look whether the bucket keeps versions and locks", (d) => [
  allow("LookAtBucket", ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"], [bucketArn(d)]),
]);

/** The bucket's key, used by S3 for objects of this bucket and for nothing else. */
export const opensObjects: Grant = grant("have S3 use the bucket's key", (d) => [
  allow("UseKeyForObjects", ["kms:Decrypt", "kms:GenerateDataKey"], [keyArns(d)], {
    "ForAnyValue:StringEquals": { "kms:ResourceAliases": keyAlias(d) },
    StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
    // The bucket's ARN where S3 keeps a key per bucket, and the object's where it does not.
    StringLike: { "kms:EncryptionContext:aws:s3:arn": [bucketArn(d), `${bucketArn(d)}/*`] },
  }),
]);

function lists(
  action: "s3:ListBucket" | "s3:ListBucketVersions",
  d: Deployment,
  prefixes: readonly string[],
): Statement {
  const versions = action === "s3:ListBucketVersions" ? "VersionsOf" : "";
  return allow(`List${versions}${sidOf(prefixes.join(" "))}`, [action], [bucketArn(d)], {
    StringLike: { "s3:prefix": prefixes.map((prefix) => `${prefix}*`) },
  });
}

function all(d: Deployment, prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => objectArns(d, prefix));
}

function told(prefixes: readonly string[]): string {
  return prefixes.map((prefix) => `\`${prefix}\``).join(", ");
}
