/** Lambda's Invoke on this machine: a function asked over HTTP, as another function asks it, by AWS's REST protocol. */
import type { IncomingMessage } from "node:http";
import { type Answer, AwsError, type Endpoint, serveLoopback } from "../loopback.ts";
import { REQUEST_LIMIT, requestTooLarge } from "./failure.ts";
import type { LambdaRunner } from "./runner.ts";

const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/**
 * Serves `POST /2015-03-31/functions/{name}/invocations` of the type RequestResponse on 127.0.0.1; names may be ARNs, and have a
 * qualifier, in themselves or behind `?Qualifier=`. Everything else is answered 501.
 */
export function startInvokeEndpoint(invoke: LambdaRunner["invoke"], port = 0): Promise<Endpoint> {
  return serveLoopback(
    {
      answer: (request) => answer(invoke, request),
      refuse: ({ status, type, message }) => refusal(status, type, message),
    },
    port,
  );
}

async function answer(invoke: LambdaRunner["invoke"], request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const [, encoded] = PATH.exec(pathname) ?? [];
  if (request.method !== "POST" || encoded === undefined)
    throw new AwsError("UnknownOperationException", `${request.method} ${pathname} is not served here`, 501);
  const type = request.headers["x-amz-invocation-type"] ?? "RequestResponse";
  if (type !== "RequestResponse")
    throw new AwsError("UnknownOperationException", `invocations of type ${type} are not served here`, 501);
  const body = await read(request);
  if (typeof body === "number") {
    const { errorMessage } = requestTooLarge(body);
    return refusal(413, "RequestTooLargeException", errorMessage);
  }
  let payload: unknown;
  try {
    payload = JSON.parse(body || "{}");
  } catch {
    return refusal(400, "InvalidRequestContentException", "Could not parse request body into json");
  }
  const name = decodeURIComponent(encoded);
  const qualifier = searchParams.get("Qualifier");
  return run(invoke, qualifier === null ? name : `${name}:${qualifier}`, payload);
}

async function run(invoke: LambdaRunner["invoke"], name: string, payload: unknown): Promise<Answer> {
  const result = await invoke(name, payload);
  if ("payload" in result) return ok(JSON.stringify(result.payload) ?? "null");
  const { errorType, errorMessage } = result.error;
  // What the service itself refuses has a status; what the function did is an answer.
  const status = REFUSALS[errorType];
  if (status !== undefined) return refusal(status, errorType.replace("Lambda.", ""), errorMessage);
  const { trace, ...told } = result.error;
  return ok(JSON.stringify(trace === undefined ? told : { ...told, stackTrace: trace }), {
    "x-amz-function-error": "Unhandled",
  });
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors */
const REFUSALS: Record<string, number> = {
  "Lambda.ResourceNotFoundException": 404,
  "Lambda.RequestTooLargeException": 413,
  "Lambda.TooManyRequestsException": 429,
  "Lambda.ServiceException": 500,
};

function ok(body: string, headers: Record<string, string> = {}): Answer {
  return {
    headers: { "content-type": "application/json", "x-amz-executed-version": "$LATEST", ...headers },
    body,
  };
}

function refusal(status: number, type: string, message: string): Answer {
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-errortype": type },
    body: JSON.stringify({ Type: status < 500 ? "User" : "Service", Message: message, message }),
  };
}

/** The body's text, or its length when it passes the limit; then the rest is read and dropped, so that the answer arrives. */
async function read(request: IncomingMessage): Promise<string | number> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= REQUEST_LIMIT) chunks.push(chunk);
  }
  return bytes <= REQUEST_LIMIT ? Buffer.concat(chunks).toString("utf8") : bytes;
}
