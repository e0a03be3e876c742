/** Object Lock: what keeps a version from being deleted, and who may loosen it. */
import * as z from "zod";
import { S3Failure } from "./failure.ts";
import type { Headers } from "./payload.ts";

export const LOCK_MODES = ["GOVERNANCE", "COMPLIANCE"] as const;

export interface Retention {
  mode: (typeof LOCK_MODES)[number];
  /** ISO 8601, UTC. */
  until: string;
}

export interface ObjectLock {
  retention?: Retention;
  legalHold?: boolean;
}

/** What a bucket gives every new version that brings no retention of its own. */
export interface DefaultRetention {
  mode: (typeof LOCK_MODES)[number];
  days?: number;
  years?: number;
}

/** Throws AccessDenied while a legal hold or a retention protects the version. */
export function checkDeletable(lock: ObjectLock, bypassGovernance: boolean, now: number): void {
  const retained = lock.retention !== undefined && Date.parse(lock.retention.until) > now;
  const held = retained && !(lock.retention?.mode === "GOVERNANCE" && bypassGovernance);
  if (held || lock.legalHold)
    throw new S3Failure("AccessDenied", "Access Denied because object protected by object lock.");
}

/** A retention may always grow; only GOVERNANCE, and only with the bypass, may shrink, change its mode or go. */
export function checkRetentionChange(
  lock: ObjectLock,
  next: Retention | undefined,
  bypassGovernance: boolean,
  now: number,
): void {
  const { retention } = lock;
  if (retention === undefined || Date.parse(retention.until) <= now) return;
  const grows =
    next !== undefined &&
    Date.parse(next.until) >= Date.parse(retention.until) &&
    (next.mode === retention.mode || next.mode === "COMPLIANCE");
  if (grows || (retention.mode === "GOVERNANCE" && bypassGovernance)) return;
  throw new S3Failure("AccessDenied", "Access Denied because object protected by object lock.");
}

/** The lock a new version begins with: its headers', else the bucket's default. */
export function lockOfNewVersion(
  headers: Headers,
  bucket: { objectLock?: { default?: DefaultRetention } },
  now: number,
): ObjectLock {
  const mode = headers["x-amz-object-lock-mode"];
  const until = headers["x-amz-object-lock-retain-until-date"];
  const hold = headers["x-amz-object-lock-legal-hold"];
  if (bucket.objectLock === undefined) {
    if (mode !== undefined || until !== undefined || hold !== undefined)
      throw new S3Failure("InvalidRequest", "Bucket is missing Object Lock Configuration");
    return {};
  }
  if ((mode === undefined) !== (until === undefined))
    throw new S3Failure(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    );
  if (hold !== undefined && hold !== "ON" && hold !== "OFF")
    throw new S3Failure("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'");
  const retention =
    mode === undefined || until === undefined
      ? defaultRetention(bucket.objectLock.default, now)
      : readRetention(mode, until, now);
  return { ...(retention && { retention }), ...(hold === "ON" && { legalHold: true }) };
}

/** Throws InvalidArgument for an unknown mode, and for a date that is none or has passed. */
export function readRetention(mode: string, until: string, now: number): Retention {
  const known = z.enum(LOCK_MODES).safeParse(mode);
  if (!known.success) throw new S3Failure("InvalidArgument", "Unknown wormMode directive.");
  const date = Date.parse(until);
  if (Number.isNaN(date)) throw new S3Failure("InvalidArgument", "The retain until date is not a date.");
  if (date <= now) throw new S3Failure("InvalidArgument", "The retain until date must be in the future!");
  return { mode: known.data, until: new Date(date).toISOString() };
}

function defaultRetention(rule: DefaultRetention | undefined, now: number): Retention | undefined {
  if (rule === undefined) return undefined;
  const until = new Date(now);
  until.setUTCFullYear(until.getUTCFullYear() + (rule.years ?? 0));
  until.setUTCDate(until.getUTCDate() + (rule.days ?? 0));
  return { mode: rule.mode, until: until.toISOString() };
}
