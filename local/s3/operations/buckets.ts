/** CreateBucket, HeadBucket, ListBuckets, DeleteBucket. */
import * as z from "zod";
import { S3Failure } from "../failure.ts";
import { bucketOf, type Operation, timestamp } from "../operation.ts";
import { receiveText } from "../payload.ts";
import { document, elementOf, parseDocument } from "../xml.ts";

const CONFIGURATION = elementOf({ LocationConstraint: z.string().optional() });

/** Object Lock brings versioning with it, for good. */
export const createBucket: Operation = async (call) => {
  const text = await receiveText(call.headers, call.body);
  if (text !== "") parseDocument(text, "CreateBucketConfiguration", CONFIGURATION);
  // us-east-1 alone lets an owner create a bucket again.
  if (call.buckets.has(call.bucket) && call.region !== "us-east-1")
    throw new S3Failure("BucketAlreadyOwnedByYou", undefined, { facts: { BucketName: call.bucket } });
  if (!call.buckets.has(call.bucket)) {
    const lock = call.headers["x-amz-bucket-object-lock-enabled"]?.toLowerCase() === "true";
    await call.buckets.create({
      name: call.bucket,
      created: timestamp(call.now),
      ...(lock && { versioning: "Enabled" as const, objectLock: {} }),
    });
  }
  return { headers: { location: `/${call.bucket}` } };
};

export const headBucket: Operation = async (call) => {
  bucketOf(call);
  return { headers: { "x-amz-bucket-region": call.region } };
};

export const listBuckets: Operation = async (call) => ({
  body: document("ListAllMyBucketsResult", [
    ["Owner", [["ID", OWNER]]],
    [
      "Buckets",
      call.buckets.list().map(({ config }) => [
        "Bucket",
        [
          ["Name", config.name],
          ["CreationDate", config.created],
        ],
      ]),
    ],
  ]),
});

export const deleteBucket: Operation = async (call) => {
  await call.buckets.remove(call.bucket);
  return { status: 204 };
};

/** The one account there is. */
const OWNER = "rehearsal";
