/** What goes back to the client: a function's result as API Gateway reads it, or API Gateway's own message. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";

export interface Reply {
  status: number;
  headers: Record<string, string>;
  cookies?: string[];
  body: Buffer;
}

/** API Gateway's own answers. */
export function message(status: number, text: string): Reply {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ message: text })),
  };
}

const Result = z.object({
  statusCode: z.int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** What Node or the connection says itself; a function's word for these would break the message. */
const HOP_BY_HOP = new Set(["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]);

/**
 * A result with `statusCode` is the response; any other JSON is the body of a 200; a response that is malformed is a 500.
 *
 * @example
 * replyOf({ message: "Hello" }); // 200 {"message":"Hello"}, application/json
 */
export function replyOf(payload: unknown): Reply {
  if (typeof payload !== "object" || payload === null || !("statusCode" in payload))
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
    };
  const parsed = Result.safeParse(payload);
  if (!parsed.success) return message(500, "Internal Server Error");
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const named = Object.entries(headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !HOP_BY_HOP.has(name));
  return {
    status: statusCode,
    headers: { "content-type": "text/plain;charset=UTF-8", ...Object.fromEntries(named) },
    cookies: cookies ?? [],
    body: Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"),
  };
}

/** Writes the reply; a header HTTP does not allow turns it into a 500. */
export function send(reply: Reply, request: IncomingMessage, response: ServerResponse): void {
  try {
    response.statusCode = reply.status;
    for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
    if (reply.cookies?.length) response.setHeader("set-cookie", reply.cookies);
    response.setHeader("apigw-requestid", randomBytes(12).toString("base64"));
    response.setHeader("content-length", reply.body.length);
    response.end(request.method === "HEAD" ? undefined : reply.body);
  } catch {
    // A header name or value HTTP does not allow came from the function: nothing was sent yet.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    const { status, headers, body } = message(500, "Internal Server Error");
    response.writeHead(status, headers).end(body);
  }
}
