/** What the S3 client throws, as errors of the catalogue. */
import { RehearsalError } from "../core/errors.ts";
import { SourceFailure } from "./object-upload.ts";

interface ServiceError {
  name?: string;
  Code?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

/** What is not the SDK's, such as the failure of a stream that was being uploaded, stays what it is. */
export function translateStoreError(error: unknown, bucket: string, key: string): unknown {
  if (error instanceof SourceFailure) return error.cause;
  if (error instanceof RehearsalError || !(error instanceof Error)) return error;
  const service = error as ServiceError;
  const status = service.$metadata?.httpStatusCode;
  const name = service.name ?? "";
  const reason = service.message || name || "no reason was given";
  const options = { cause: error };
  if (/^Checksum mismatch/.test(reason))
    return new RehearsalError("ObjectDamaged", { bucket, key, reason: "its checksum differs" }, options);
  if (name === "NoSuchBucket") return new RehearsalError("BucketMissing", { bucket }, options);
  if (name === "NoSuchKey" || name === "NotFound" || name === "NoSuchVersion")
    return new RehearsalError("ObjectMissing", { bucket, key }, options);
  if (KEY_UNUSABLE.test(name))
    return new RehearsalError(
      "EncryptionKeyUnusable",
      { bucket, key, reason: `${name}: ${reason}` },
      options,
    );
  if (status === 401 || status === 403 || name === "CredentialsProviderError")
    return new RehearsalError("ObjectForbidden", { bucket, key, reason: `${name}: ${reason}` }, options);
  if (isPassing(service, status)) {
    const told = [service.code ?? name, reason].filter((part) => part !== "").join(": ");
    return new RehearsalError("ObjectStoreUnavailable", { bucket, reason: told }, options);
  }
  if (status !== undefined)
    return new RehearsalError("ObjectRefused", { bucket, key, reason: `${name}: ${reason}` }, options);
  return error;
}

/**
 * What KMS says of a key that is disabled, waits for its deletion or is gone comes through S3 with a 400, under its own name behind
 * `KMS.`; a right that is missing on the key comes as AccessDenied.
 */
const KEY_UNUSABLE = /^KMS\.(Disabled|(KMS)?InvalidState|NotFound|KeyUnavailable)Exception$/;

/** System errors of sockets and names, and statuses that ask for another try. */
function isPassing(error: ServiceError, status: number | undefined): boolean {
  if (status !== undefined && (status >= 500 || status === 429 || status === 408)) return true;
  if (/^(TimeoutError|RequestTimeout|SlowDown|NetworkingError)$/.test(error.name ?? "")) return true;
  return (
    /^(E(CONN|PIPE|HOST|NET|AI_|TIMEDOUT|NOTFOUND)|UND_ERR)/.test(error.code ?? "") ||
    error.message === "aborted"
  );
}
