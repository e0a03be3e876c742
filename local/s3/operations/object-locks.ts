/** PutObjectRetention, GetObjectRetention, PutObjectLegalHold, GetObjectLegalHold: on one version each. */
import * as z from "zod";
import type { Bucket, Version } from "../bucket.ts";
import { S3Failure } from "../failure.ts";
import { checkRetentionChange, type ObjectLock, readRetention } from "../object-lock.ts";
import { bucketOf, type Call, type Operation } from "../operation.ts";
import { receiveText } from "../payload.ts";
import { document, elementOf, parseDocument } from "../xml.ts";
import { findVersion } from "./get-object.ts";

const RETENTION = z
  .literal("")
  .transform(() => ({ Mode: undefined, RetainUntilDate: undefined }))
  .or(elementOf({ Mode: z.string().optional(), RetainUntilDate: z.string().optional() }));

const HOLD = elementOf({ Status: z.enum(["ON", "OFF"]) });

export const putObjectRetention: Operation = async (call) => {
  const { Mode, RetainUntilDate } = parseDocument(
    await receiveText(call.headers, call.body),
    "Retention",
    RETENTION,
  );
  if ((Mode === undefined) !== (RetainUntilDate === undefined)) throw new S3Failure("MalformedXML");
  return change(call, (lock) => {
    const bypass = call.headers["x-amz-bypass-governance-retention"] === "true";
    const next =
      Mode === undefined || RetainUntilDate === undefined
        ? undefined
        : readRetention(Mode, RetainUntilDate, call.now);
    checkRetentionChange(lock, next, bypass, call.now);
    const { retention: _, ...rest } = lock;
    return next === undefined ? rest : { ...rest, retention: next };
  });
};

export const getObjectRetention: Operation = async (call) => {
  const { retention } = lockable(call).version.lock;
  if (retention === undefined) throw new S3Failure("NoSuchObjectLockConfiguration");
  return {
    body: document("Retention", [
      ["Mode", retention.mode],
      ["RetainUntilDate", retention.until],
    ]),
  };
};

export const putObjectLegalHold: Operation = async (call) => {
  const { Status } = parseDocument(await receiveText(call.headers, call.body), "LegalHold", HOLD);
  return change(call, (lock) => ({ ...lock, legalHold: Status === "ON" }));
};

export const getObjectLegalHold: Operation = async (call) => {
  const { legalHold } = lockable(call).version.lock;
  if (legalHold === undefined) throw new S3Failure("NoSuchObjectLockConfiguration");
  return { body: document("LegalHold", [["Status", legalHold ? "ON" : "OFF"]]) };
};

async function change(call: Call, next: (lock: ObjectLock) => ObjectLock) {
  return bucketOf(call).inTurn(call.key, async () => {
    const { bucket, version } = lockable(call);
    await bucket.lock(version, next(version.lock));
    return {};
  });
}

function lockable(call: Call): { bucket: Bucket; version: Version } {
  const bucket = bucketOf(call);
  if (bucket.config.objectLock === undefined)
    throw new S3Failure("InvalidRequest", "Bucket is missing Object Lock Configuration");
  return { bucket, version: findVersion(bucket, call) };
}
