/** What S3 says when it refuses: the codes of its API reference with their statuses, thrown by operations and rendered by the server. */

/** Code → status and message, after "Error responses" of the Amazon S3 API Reference. */
const CODES = {
  AccessDenied: [403, "Access Denied"],
  AuthorizationHeaderMalformed: [400, "The authorization header that you provided is not valid."],
  AuthorizationQueryParametersError: [400, "The query string authentication parameters are not valid."],
  BadDigest: [400, "The checksum you specified did not match what we received."],
  BucketAlreadyOwnedByYou: [409, "The bucket that you tried to create already exists, and you own it."],
  BucketNotEmpty: [409, "The bucket that you tried to delete is not empty."],
  ConditionalRequestConflict: [409, "The conditional request cannot succeed due to a conflicting operation."],
  EntityTooLarge: [400, "Your proposed upload exceeds the maximum allowed object size."],
  EntityTooSmall: [400, "Your proposed upload is smaller than the minimum allowed object size."],
  IncompleteBody: [
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
  ],
  InternalError: [500, "An internal error occurred. Try again."],
  InvalidAccessKeyId: [403, "The AWS access key ID that you provided does not exist in our records."],
  InvalidArgument: [400, "Invalid argument."],
  InvalidBucketName: [400, "The specified bucket is not valid."],
  InvalidBucketState: [409, "The request is not valid for the current state of the bucket."],
  InvalidDigest: [400, "The Content-MD5 or checksum value that you specified is not valid."],
  InvalidPart: [
    400,
    "One or more of the specified parts could not be found or did not have the specified entity tag.",
  ],
  InvalidPartOrder: [400, "The list of parts was not in ascending order."],
  InvalidRange: [416, "The requested range is not satisfiable."],
  InvalidRequest: [400, "The request is not valid."],
  InvalidToken: [403, "The provided token is malformed or otherwise not valid."],
  InvalidURI: [400, "The specified URI couldn't be parsed."],
  KeyTooLongError: [400, "Your key is too long."],
  MalformedXML: [400, "The XML that you provided was not well formed or did not validate."],
  MetadataTooLarge: [400, "Your metadata headers exceed the maximum allowed metadata size."],
  MethodNotAllowed: [405, "The specified method is not allowed against this resource."],
  MissingContentLength: [411, "You must provide the Content-Length HTTP header."],
  NoSuchBucket: [404, "The specified bucket does not exist."],
  NoSuchKey: [404, "The specified key does not exist."],
  NoSuchObjectLockConfiguration: [404, "The specified object does not have an ObjectLock configuration."],
  NoSuchUpload: [404, "The specified multipart upload does not exist."],
  NoSuchVersion: [404, "The version ID specified in the request does not match an existing version."],
  NotImplemented: [501, "A header or query you provided implies functionality that is not implemented."],
  NotModified: [304, "Not Modified"],
  ObjectLockConfigurationNotFoundError: [404, "Object Lock configuration does not exist for this bucket."],
  PreconditionFailed: [412, "At least one of the preconditions that you specified did not hold."],
  RequestTimeTooSkewed: [403, "The difference between the request time and the server's time is too large."],
  SignatureDoesNotMatch: [
    403,
    "The request signature that the server calculated does not match the signature that you provided.",
  ],
  XAmzContentSHA256Mismatch: [
    400,
    "The provided x-amz-content-sha256 header does not match what was computed.",
  ],
} as const satisfies Record<string, readonly [number, string]>;

export type FailureCode = keyof typeof CODES;

/** A refusal in S3's own words; `headers` go out with it, `facts` become elements of the XML error. */
export class S3Failure extends Error {
  readonly code: FailureCode;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly facts: Record<string, string>;

  constructor(
    code: FailureCode,
    message?: string,
    more: { headers?: Record<string, string>; facts?: Record<string, string> } = {},
  ) {
    const [status, standard] = CODES[code];
    super(message ?? standard);
    this.name = code;
    this.code = code;
    this.status = status;
    this.headers = more.headers ?? {};
    this.facts = more.facts ?? {};
  }
}
