/** API Gateway's HTTP API on one machine: a request becomes a payload 2.0 event, the function's result becomes the response. */
import { createServer, type IncomingMessage } from "node:http";
import { eventOf } from "./api-gateway/event.ts";
import { authorize, isOnIamRoute, type Principal } from "./api-gateway/iam.ts";
import { message, type Reply, replyOf, send } from "./api-gateway/reply.ts";
import type { LambdaRunner } from "./lambda/runner.ts";

export interface ApiGatewayOptions {
  invoke: LambdaRunner["invoke"];
  functionName: string;
  /** Who may sign requests to the routes under /iam; nobody when left out. */
  principals?: readonly Principal[];
  /** Free-chosen when left out. */
  port?: number;
  /** How long the function may take, in milliseconds; API Gateway allows no more than the default. */
  integrationTimeout?: number;
}

export interface ApiGateway {
  /** Without a slash at its end. */
  url: string;
  stop(): Promise<void>;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const PAYLOAD_LIMIT = 10 * 1024 * 1024;
const HEADER_LIMIT = 10_240;
const INTEGRATION_TIMEOUT = 30_000;

/**
 * Listens on 127.0.0.1 and gives every route to one function, as the route `$default` does; those under /iam only where
 * the request is signed, as a route with the IAM authorizer does.
 *
 * @example
 * const gateway = await startApiGateway({ invoke: lambda.invoke, functionName: "api" });
 * await fetch(`${gateway.url}/promotions`);
 */
export async function startApiGateway(options: ApiGatewayOptions): Promise<ApiGateway> {
  const server = createServer({ maxHeaderSize: HEADER_LIMIT }, (request, response) => {
    respond(request, options).then(
      (reply) => send(reply, request, response),
      // The client is gone in the middle of its request: nobody is left to answer.
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(request: IncomingMessage, options: ApiGatewayOptions): Promise<Reply> {
  const body = await read(request);
  if (body === undefined) return message(413, "Request Entity Too Large");
  const timeout = AbortSignal.timeout(options.integrationTimeout ?? INTEGRATION_TIMEOUT);
  const onIamRoute = isOnIamRoute(request);
  const authorizer = onIamRoute ? await authorize(request, body, options.principals ?? []) : undefined;
  if (onIamRoute && authorizer === undefined) return message(403, "Forbidden");
  const event = eventOf(request, body, authorizer);
  // The runner throws only for the signal: the caller is answered, the function goes on, as in AWS.
  const result = await options.invoke(options.functionName, event, timeout).catch(() => undefined);
  if (result === undefined) return message(503, "Service Unavailable");
  if ("payload" in result) return replyOf(result.payload);
  return result.error.errorType === "Lambda.TooManyRequestsException"
    ? message(503, "Service Unavailable")
    : message(500, "Internal Server Error");
}

/** The whole body, or undefined when it passes the limit; then the rest is read and dropped, so that the answer arrives. */
async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= PAYLOAD_LIMIT) chunks.push(chunk);
  }
  return bytes <= PAYLOAD_LIMIT ? Buffer.concat(chunks) : undefined;
}
