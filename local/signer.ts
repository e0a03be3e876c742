/** Who signed a request, by the header that AWS's SDKs write: what endpoints on loopback know their callers by. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { KEY_TYPE_IDENTIFIER } from "@smithy/signature-v4";
import {
  type Credentials,
  isSignedBy,
  readAuthorization,
  readSignedDate,
  type SignedService,
  SKEW,
} from "./signature-v4.ts";

/** Keys of somebody; temporary ones come with a token, which the request must carry under its signature. */
export interface SigningKeys extends Credentials {
  sessionToken?: string;
}

/** Undefined where the signature is none, wrong, too old or nobody's of those. */
export async function signerOf<K extends SigningKeys>(
  service: SignedService,
  message: IncomingMessage,
  body: Buffer,
  known: readonly K[],
): Promise<K | undefined> {
  const { headers } = message;
  const parts = readAuthorization(headers.authorization ?? "");
  const date = text(headers["x-amz-date"]);
  if (parts === undefined || !(Math.abs(Date.now() - readSignedDate(date)) <= SKEW)) return undefined;
  const [accessKeyId = "", day, region = "", named, terminator, more] = parts.credential.split("/");
  if (day !== date.slice(0, 8) || named !== service || terminator !== KEY_TYPE_IDENTIFIER || more)
    return undefined;
  const signer = known.find((one) => one.accessKeyId === accessKeyId);
  if (signer === undefined || !parts.signedHeaders.includes("host")) return undefined;
  const token = headers["x-amz-security-token"];
  if (signer.sessionToken !== token || (token !== undefined && !signs(parts, "x-amz-security-token")))
    return undefined;
  const [path = "/", ...query] = (message.url ?? "/").split("?");
  const request = {
    method: message.method ?? "GET",
    path,
    query: parametersOf(query.join("?")),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)])),
  };
  // The body as it came, whatever hash the request says that it has.
  const payloadHash = createHash("sha256").update(body).digest("hex");
  const claim = { date, region, signedHeaders: parts.signedHeaders, signature: parts.signature, payloadHash };
  return (await isSignedBy(service, request, claim, signer)) ? signer : undefined;
}

function signs({ signedHeaders }: { signedHeaders: string[] }, name: string): boolean {
  return signedHeaders.includes(name);
}

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function parametersOf(query: string): Record<string, string | string[]> {
  const parsed = new URLSearchParams(query);
  const entries = [...new Set(parsed.keys())].map((name) => [name, parsed.getAll(name)] as const);
  return Object.fromEntries(entries.map(([name, all]) => [name, all.length > 1 ? all : (all[0] ?? "")]));
}
