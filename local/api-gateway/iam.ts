/** The IAM authorizer of an HTTP API: who signed a request, verified against the principals that this gateway knows. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { KEY_TYPE_IDENTIFIER } from "@smithy/signature-v4";
import { type Credentials, isSignedBy, readAuthorization, readSignedDate, SKEW } from "../signature-v4.ts";

/** Somebody with credentials of AWS. */
export interface Principal extends Credentials {
  /** Of a role's session, which has one; requests then carry it. */
  sessionToken?: string;
  userArn: string;
}

/** What a function finds in `requestContext.authorizer.iam`. */
export interface IamAuthorizer {
  accessKey: string;
  accountId: string;
  callerId: string;
  cognitoIdentity: null;
  principalOrgId: null;
  userArn: string;
  userId: string;
}

/** The routes that have the authorizer. */
export const IAM_ROUTE = "ANY /iam/{proxy+}";

export function isOnIamRoute(message: IncomingMessage): boolean {
  return /^\/iam\/[^?]/.test(message.url ?? "");
}

/** Undefined where the signature is none, wrong, too old or nobody's: API Gateway answers 403 and says no more. */
export async function authorize(
  message: IncomingMessage,
  body: Buffer,
  principals: readonly Principal[],
): Promise<IamAuthorizer | undefined> {
  const { headers } = message;
  const parts = readAuthorization(headers.authorization ?? "");
  const date = text(headers["x-amz-date"]);
  if (parts === undefined || !(Math.abs(Date.now() - readSignedDate(date)) <= SKEW)) return undefined;
  const [accessKeyId = "", day, region = "", service, terminator, more] = parts.credential.split("/");
  if (day !== date.slice(0, 8) || service !== "execute-api" || terminator !== KEY_TYPE_IDENTIFIER || more)
    return undefined;
  const principal = principals.find((one) => one.accessKeyId === accessKeyId);
  if (principal === undefined || !parts.signedHeaders.includes("host")) return undefined;
  const token = headers["x-amz-security-token"];
  if (principal.sessionToken !== token || (token !== undefined && !signs(parts, "x-amz-security-token")))
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
  return (await isSignedBy("execute-api", request, claim, principal)) ? authorizerOf(principal) : undefined;
}

function signs({ signedHeaders }: { signedHeaders: string[] }, name: string): boolean {
  return signedHeaders.includes(name);
}

function authorizerOf({ accessKeyId, userArn }: Principal): IamAuthorizer {
  const [, , , , accountId = "", resource = ""] = userArn.split(":");
  const [kind, name = "", session] = resource.split("/");
  // A session's id is its role's, and the session's name behind it.
  const id = kind === "assumed-role" ? `AROA${name.toUpperCase()}:${session}` : `AIDA${name.toUpperCase()}`;
  return {
    accessKey: accessKeyId,
    accountId,
    callerId: id,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn,
    userId: id,
  };
}

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function parametersOf(query: string): Record<string, string | string[]> {
  const parsed = new URLSearchParams(query);
  const entries = [...new Set(parsed.keys())].map((name) => [name, parsed.getAll(name)] as const);
  return Object.fromEntries(entries.map(([name, all]) => [name, all.length > 1 ? all : (all[0] ?? "")]));
}
