/** Signature Version 4 as a server computes it: the SDK's own canonical form, applied to what came instead of to what goes. */
import { timingSafeEqual } from "node:crypto";
import { Sha256 } from "@smithy/core/checksum";
import {
  ALGORITHM_IDENTIFIER,
  createScope,
  getCanonicalHeaders,
  getSigningKey,
  SignatureV4Base,
} from "@smithy/signature-v4";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface SignedRequest {
  method: string;
  /** As it was sent, percent-encoded. */
  path: string;
  query: Record<string, string | string[]>;
  headers: Record<string, string>;
}

/** The services whose signatures are looked at here. */
export type SignedService = "s3" | "execute-api" | "sts";

/** What a request says of its signature. */
export interface Claim {
  /** YYYYMMDDTHHMMSSZ */
  date: string;
  region: string;
  signedHeaders: string[];
  signature: string;
  payloadHash: string;
}

/** Milliseconds that clients may be off before AWS refuses them. */
export const SKEW = 15 * 60_000;

/** Whether the claim's signature is the one that these credentials make for the service. */
export async function isSignedBy(
  service: SignedService,
  request: SignedRequest,
  claim: Claim,
  credentials: Credentials,
): Promise<boolean> {
  const expected = Buffer.from(await new Verifier(service).signatureOf(request, claim, credentials));
  const given = Buffer.from(claim.signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The Authorization header's parts; undefined when it has another form. */
export function readAuthorization(
  header: string,
): { credential: string; signedHeaders: string[]; signature: string } | undefined {
  const form =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/;
  const [, credential, signedHeaders, signature] = form.exec(header) ?? [];
  if (credential === undefined || signedHeaders === undefined || signature === undefined) return undefined;
  return { credential, signedHeaders: signedHeaders.split(";"), signature };
}

/** Milliseconds since 1970; NaN for what is no date of a signature. */
export function readSignedDate(date: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

class Verifier extends SignatureV4Base {
  readonly #service: string;

  constructor(service: SignedService) {
    super({
      service,
      region: "",
      credentials: { accessKeyId: "", secretAccessKey: "" },
      sha256: Sha256,
      // S3 alone takes a path as it is; every other service encodes it a second time.
      uriEscapePath: service !== "s3",
    });
    this.#service = service;
  }

  async signatureOf(request: SignedRequest, claim: Claim, credentials: Credentials): Promise<string> {
    const signed = new Set(claim.signedHeaders);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => signed.has(name)));
    const http = {
      method: request.method,
      path: request.path,
      query: request.query,
      headers,
      protocol: "http:",
      hostname: "",
    };
    const canonical = this.createCanonicalRequest(
      http,
      getCanonicalHeaders(http, undefined, signed),
      claim.payloadHash,
    );
    const day = claim.date.slice(0, 8);
    const scope = createScope(day, claim.region, this.#service);
    const toSign = await this.createStringToSign(claim.date, scope, canonical, ALGORITHM_IDENTIFIER);
    const hash = new Sha256(await getSigningKey(Sha256, credentials, day, claim.region, this.#service));
    hash.update(Buffer.from(toSign));
    return Buffer.from(await hash.digest()).toString("hex");
  }
}
