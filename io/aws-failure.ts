/** Turns what an AWS client throws into the catalogue's words, without the request's values. */
import { RehearsalError } from "../core/errors.ts";

/** `AwsCallFailed` with AWS's own name for the refusal; an error from the catalogue stays itself. */
export function awsFailure(service: string, operation: string, error: unknown): RehearsalError {
  if (error instanceof RehearsalError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new RehearsalError(
    "AwsCallFailed",
    { service, operation, reason: `${name}: ${message}` },
    { cause: error },
  );
}

/** True when AWS refused under one of these names. */
export function isAwsError(error: unknown, ...names: string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}
