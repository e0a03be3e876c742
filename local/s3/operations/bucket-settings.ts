/** PutBucketVersioning, GetBucketVersioning, PutObjectLockConfiguration, GetObjectLockConfiguration. */
import * as z from "zod";
import { S3Failure } from "../failure.ts";
import { type DefaultRetention, LOCK_MODES } from "../object-lock.ts";
import { bucketOf, type Operation } from "../operation.ts";
import { receiveText } from "../payload.ts";
import { document, elementOf, parseDocument } from "../xml.ts";

const VERSIONING = elementOf({ Status: z.enum(["Enabled", "Suspended"]) });

const COUNT = z
  .string()
  .regex(/^[1-9]\d{0,4}$/)
  .transform(Number)
  .optional();

const LOCK = elementOf({
  ObjectLockEnabled: z.literal("Enabled").optional(),
  Rule: z
    .strictObject({
      DefaultRetention: z.strictObject({ Mode: z.enum(LOCK_MODES), Days: COUNT, Years: COUNT }),
    })
    .optional(),
});

export const putBucketVersioning: Operation = async (call) => {
  const bucket = bucketOf(call);
  const { Status } = parseDocument(
    await receiveText(call.headers, call.body),
    "VersioningConfiguration",
    VERSIONING,
  );
  if (bucket.config.objectLock && Status === "Suspended")
    throw new S3Failure(
      "InvalidBucketState",
      "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    );
  await bucket.configure({ ...bucket.config, versioning: Status });
  return {};
};

export const getBucketVersioning: Operation = async (call) => ({
  body: document("VersioningConfiguration", [["Status", bucketOf(call).config.versioning]]),
});

/** Possible on a bucket made without it, once it is versioned; never to be taken back. */
export const putObjectLockConfiguration: Operation = async (call) => {
  const bucket = bucketOf(call);
  const { Rule } = parseDocument(await receiveText(call.headers, call.body), "ObjectLockConfiguration", LOCK);
  if (bucket.config.versioning !== "Enabled")
    throw new S3Failure(
      "InvalidBucketState",
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
  const rule = Rule?.DefaultRetention;
  if (rule && (rule.Days === undefined) === (rule.Years === undefined))
    throw new S3Failure("MalformedXML", "A default retention has either Days or Years.");
  const retention: DefaultRetention | undefined = rule && {
    mode: rule.Mode,
    ...(rule.Days !== undefined && { days: rule.Days }),
    ...(rule.Years !== undefined && { years: rule.Years }),
  };
  await bucket.configure({ ...bucket.config, objectLock: retention ? { default: retention } : {} });
  return {};
};

export const getObjectLockConfiguration: Operation = async (call) => {
  const { objectLock } = bucketOf(call).config;
  if (objectLock === undefined)
    throw new S3Failure("ObjectLockConfigurationNotFoundError", undefined, {
      facts: { BucketName: call.bucket },
    });
  const { default: rule } = objectLock;
  return {
    body: document("ObjectLockConfiguration", [
      ["ObjectLockEnabled", "Enabled"],
      [
        "Rule",
        rule && [
          [
            "DefaultRetention",
            [
              ["Mode", rule.mode],
              ["Days", rule.days],
              ["Years", rule.years],
            ],
          ],
        ],
      ],
    ]),
  };
};
