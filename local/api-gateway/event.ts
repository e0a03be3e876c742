/** A request as a function sees it: payload format 2.0 of API Gateway's HTTP APIs. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { IAM_ROUTE, type IamAuthorizer } from "./iam.ts";

/** Follows https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function eventOf(request: IncomingMessage, body: Buffer, authorizer?: IamAuthorizer): object {
  const [target = "/", query = ""] = split(request.url ?? "/", "?");
  const path = decodedPath(target);
  const { cookie, ...headers } = headersOf(request);
  const now = new Date();
  const routeKey = authorizer === undefined ? "$default" : IAM_ROUTE;
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(query === "" ? {} : { queryStringParameters: parametersOf(query) }),
    ...(authorizer !== undefined && { pathParameters: { proxy: path.slice("/iam/".length) } }),
    requestContext: {
      accountId: "000000000000",
      apiId: "rehearsal",
      ...(authorizer !== undefined && { authorizer: { iam: authorizer } }),
      domainName: headers.host ?? "",
      domainPrefix: "rehearsal",
      http: {
        method: request.method ?? "GET",
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomBytes(12).toString("base64"),
      routeKey,
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...bodyOf(body, headers["content-type"]),
  };
}

/**
 * API Gateway hands over the path percent-decoded and cut at a decoded question mark
 * (https://github.com/hotsock/voker/pull/8 has captures), so a name with a slash cannot travel in a path.
 */
function decodedPath(target: string): string {
  try {
    const [path = "/"] = split(decodeURIComponent(target), "?");
    return path;
  } catch {
    // Not valid percent-encoding: it is passed as it came.
    return target;
  }
}

/** Names in lower case, repeated headers joined by commas; cookies by semicolons, to be parted again. */
function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values = []]) => [
      name,
      values.join(name === "cookie" ? "; " : ","),
    ]),
  );
  const forwarded = headers["x-forwarded-for"];
  const source = request.socket.remoteAddress ?? "";
  return {
    ...headers,
    "x-amzn-trace-id": `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString("hex")}`,
    "x-forwarded-for": forwarded === undefined ? source : `${forwarded}, ${source}`,
    "x-forwarded-port": String(request.socket.localPort),
    "x-forwarded-proto": "http",
  };
}

function parametersOf(query: string): Record<string, string> {
  const parsed = new URLSearchParams(query);
  return Object.fromEntries([...new Set(parsed.keys())].map((name) => [name, parsed.getAll(name).join(",")]));
}

/** The media types that travel as text; every other, and a body without one, as base64: a form as well. */
const TEXT = /^\s*(text\/[^;]+|application\/(json|xml|javascript))\s*(;|$)/i;

function bodyOf(body: Buffer, contentType = ""): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = body.toString("utf8");
  // Bytes that are no UTF-8 would be lost as text.
  return TEXT.test(contentType) && Buffer.from(text).equals(body)
    ? { body: text, isBase64Encoded: false }
    : { body: body.toString("base64"), isBase64Encoded: true };
}

function split(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
