/** Verifies Signature Version 4, in the header or in a presigned URL, against the one key the endpoint knows. */
import { ALGORITHM_IDENTIFIER, KEY_TYPE_IDENTIFIER, MAX_PRESIGNED_TTL } from "@smithy/signature-v4";
import {
  type Claim,
  type Credentials,
  isSignedBy,
  readAuthorization,
  readSignedDate,
  SKEW,
} from "../signature-v4.ts";
import { S3Failure } from "./failure.ts";
import type { Headers } from "./payload.ts";
import type { S3Request } from "./request.ts";

export type { Credentials };

export interface Signer {
  /** The region the client signed for; the endpoint stands in for each of them. */
  region: string;
  /** The request's headers, with those a presigned URL carries in its query. */
  headers: Headers;
}

/** The names in a presigned URL's query that belong to the signature and to nothing else. */
const SIGNATURE_QUERY =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/i;

/** Throws AccessDenied, SignatureDoesNotMatch, InvalidAccessKeyId, RequestTimeTooSkewed, … */
export async function verifySignature(
  request: S3Request,
  credentials: Credentials,
  now: number,
): Promise<Signer> {
  const presigned = Object.keys(request.query).some((name) => /^x-amz-(signature|algorithm)$/i.test(name));
  const claim = presigned ? readQueryClaim(request, now) : readHeaderClaim(request, now);
  if (claim.token !== undefined) throw new S3Failure("InvalidToken");
  if (claim.accessKeyId !== credentials.accessKeyId) throw new S3Failure("InvalidAccessKeyId");
  checkSignedHeaders(request.headers, claim.signedHeaders);
  if (!(await isSignedBy("s3", request, claim, credentials))) throw new S3Failure("SignatureDoesNotMatch");
  return { region: claim.region, headers: presigned ? hoisted(request) : request.headers };
}

interface S3Claim extends Claim {
  accessKeyId: string;
  token: string | undefined;
}

function readHeaderClaim(request: S3Request, now: number): S3Claim {
  const { headers } = request;
  const authorization = headers.authorization;
  if (authorization === undefined) throw new S3Failure("AccessDenied", "Anonymous requests are not allowed.");
  const parts = readAuthorization(authorization);
  if (parts === undefined) throw new S3Failure("AuthorizationHeaderMalformed");
  const date = headers["x-amz-date"] ?? "";
  const signedAt = readSignedDate(date);
  if (Number.isNaN(signedAt))
    throw new S3Failure("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  if (Math.abs(now - signedAt) > SKEW)
    throw new S3Failure("RequestTimeTooSkewed", undefined, {
      facts: { RequestTime: date, ServerTime: new Date(now).toISOString() },
    });
  const payloadHash = headers["x-amz-content-sha256"];
  if (payloadHash === undefined)
    throw new S3Failure("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  return {
    ...readCredential(parts.credential, date, "AuthorizationHeaderMalformed"),
    date,
    signedHeaders: parts.signedHeaders,
    signature: parts.signature,
    payloadHash,
    token: headers["x-amz-security-token"],
  };
}

function readQueryClaim(request: S3Request, now: number): S3Claim {
  const { query } = request;
  const malformed = (message: string) => new S3Failure("AuthorizationQueryParametersError", message);
  if (query["X-Amz-Algorithm"] !== ALGORITHM_IDENTIFIER)
    throw malformed("X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
  const date = query["X-Amz-Date"] ?? "";
  const signedAt = readSignedDate(date);
  if (Number.isNaN(signedAt)) throw malformed("X-Amz-Date must be in the ISO8601 Long Format");
  const seconds = Number(query["X-Amz-Expires"] ?? Number.NaN);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_PRESIGNED_TTL)
    throw malformed("X-Amz-Expires must be between 0 and 604800 seconds");
  if (now > signedAt + seconds * 1_000)
    throw new S3Failure("AccessDenied", "Request has expired", {
      facts: { Expires: new Date(signedAt + seconds * 1_000).toISOString() },
    });
  if (now < signedAt - SKEW) throw new S3Failure("AccessDenied", "Request is not yet valid");
  return {
    ...readCredential(query["X-Amz-Credential"] ?? "", date, "AuthorizationQueryParametersError"),
    date,
    signedHeaders: (query["X-Amz-SignedHeaders"] ?? "").split(";"),
    signature: query["X-Amz-Signature"] ?? "",
    payloadHash:
      query["X-Amz-Content-Sha256"] ?? request.headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD",
    token: query["X-Amz-Security-Token"],
  };
}

function readCredential(
  credential: string,
  date: string,
  code: "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError",
): { accessKeyId: string; region: string } {
  const parts = credential.split("/");
  const [day, region = "", service, terminator] = parts.slice(-4);
  if (parts.length < 5 || day !== date.slice(0, 8) || service !== "s3" || terminator !== KEY_TYPE_IDENTIFIER)
    throw new S3Failure(code, "The credential's scope is malformed.");
  return { accessKeyId: parts.slice(0, -4).join("/"), region };
}

/** `host` and every `x-amz-` header must be under the signature, else somebody between could add meaning. */
function checkSignedHeaders(headers: Headers, signed: readonly string[]): void {
  const bare = Object.keys(headers).filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !signed.includes(name),
  );
  if (bare.length > 0 || !signed.includes("host"))
    throw new S3Failure("AccessDenied", "There were headers present in the request which were not signed", {
      facts: { HeadersNotSigned: bare.join(", ") },
    });
}

/** Presigned URLs carry `x-amz-` headers in their query; to the operation they are headers. */
function hoisted(request: S3Request): Headers {
  const headers: Headers = { ...request.headers };
  for (const [name, value] of Object.entries(request.query))
    if (/^x-amz-/i.test(name) && !SIGNATURE_QUERY.test(name)) headers[name.toLowerCase()] ??= value;
  return headers;
}
