/** The Lambda Runtime API, by which the process of a sandbox asks for events and answers them: one endpoint per sandbox, as on AWS. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as z from "zod";
import type { Told } from "./execution-environment.ts";
import { type FunctionError, RESPONSE_LIMIT, responseTooLarge, untold } from "./failure.ts";
import type { Invocation } from "./handler.ts";

export interface RuntimeApi {
  /** For AWS_LAMBDA_RUNTIME_API: host and port. */
  address: string;
  /** Answers the runtime's next request for an invocation, whether it has asked already or is about to. */
  give(invocation: Invocation): void;
  stop(): void;
}

/** What the runtime may do next; anything else is a 403. */
type State = "starting" | "ready" | "running" | "answered" | "failed";

const VERSION = "/2018-06-01/runtime";

/**
 * Follows https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and where that is silent (the words of the
 * refusals, and what is refused first) AWS's Runtime Interface Emulator.
 */
export async function startRuntimeApi(tell: Pick<Told, "ready" | "answered" | "ended">): Promise<RuntimeApi> {
  let state: State = "starting";
  let current: Invocation | undefined;
  let asking: ServerResponse | undefined;

  const handOver = () => {
    if (asking === undefined || current === undefined || state !== "ready") return;
    const response = asking;
    asking = undefined;
    state = "running";
    response.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": current.requestId,
      "lambda-runtime-deadline-ms": String(current.deadline),
      "lambda-runtime-invoked-function-arn": current.functionArn,
      "lambda-runtime-trace-id": current.traceId,
    });
    response.end(current.event);
  };

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void> | void> =
    {
      [`GET ${VERSION}/invocation/next`]: (_, response) => {
        if (state === "running" || state === "failed") return forbid(response, state, "Ready");
        state = "ready";
        current = undefined;
        asking = response;
        // A runtime that goes away while it waits has ended: its process tells why.
        response.on("close", () => {
          if (asking === response) asking = undefined;
        });
        tell.ready();
      },
      [`POST ${VERSION}/init/error`]: async (request, response) => {
        if (state !== "starting") return forbid(response, state, "InitError");
        state = "failed";
        const error = errorOf(await read(request), request);
        accept(response);
        tell.ended(() => error);
      },
    };

  const answer = async (id: string, kind: string, request: IncomingMessage, response: ServerResponse) => {
    if (id !== current?.requestId) return refuse(response, 400, "InvalidRequestID", "Invalid request ID");
    if (state !== "running")
      return forbid(response, state, kind === "error" ? "InvocationErrorResponse" : "InvocationResponse");
    state = "answered";
    const body = await read(request);
    if (kind === "error") {
      accept(response);
      return tell.answered({ error: errorOf(body, request) });
    }
    if (body === undefined) {
      const words = `Exceeded maximum allowed payload size (${RESPONSE_LIMIT} bytes).`;
      refuse(response, 413, "RequestEntityTooLarge", words);
      return tell.answered({ error: responseTooLarge() });
    }
    accept(response);
    tell.answered({ payload: body });
  };

  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const [, id, kind] = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const route = routes[`${request.method} ${path}`];
    const done =
      route !== undefined
        ? route(request, response)
        : request.method === "POST" && id !== undefined && kind !== undefined
          ? answer(decodeURIComponent(id), kind, request, response)
          : refuse(response, 404, "NotFound", "404 page not found");
    // The runtime died in the middle of its answer: its process tells of that.
    Promise.resolve(done).catch(() => response.destroy());
  });
  // Neither an endpoint nor a runtime that waits keeps the host alive.
  server.unref().on("connection", (socket) => socket.unref());
  // A runtime may be waited for as long as it takes, and wait as long itself.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the runtime API has no port");
  return {
    address: `127.0.0.1:${address.port}`,
    give: (invocation) => {
      current = invocation;
      handOver();
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The whole body, or undefined when it passes the limit of a response; then the rest is read and dropped, so that the refusal arrives. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= RESPONSE_LIMIT) chunks.push(chunk);
  }
  return bytes <= RESPONSE_LIMIT ? Buffer.concat(chunks).toString("utf8") : undefined;
}

const ErrorRequest = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  trace: z.array(z.string()).optional(),
  stackTrace: z.array(z.string()).optional(),
});

/** The body tells the failure; where it does not, the header is all there is. */
function errorOf(body: string | undefined, request: IncomingMessage): FunctionError {
  const parsed = ErrorRequest.safeParse(json(body ?? ""));
  if (parsed.success) {
    const { errorType, errorMessage, trace, stackTrace } = parsed.data;
    const lines = trace ?? stackTrace;
    return { errorType, errorMessage, ...(lines && { trace: lines }) };
  }
  const type = request.headers["lambda-runtime-function-error-type"];
  return typeof type === "string" && type !== ""
    ? { errorType: type, errorMessage: body ?? "" }
    : untold(body ?? "");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON tells nothing, as a body without the fields does.
    return undefined;
  }
}

function accept(response: ServerResponse): void {
  send(response, 202, { status: "OK" });
}

function forbid(response: ServerResponse, from: State, to: string): void {
  const words = `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`;
  refuse(response, 403, "InvalidStateTransition", words);
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  send(response, status, { errorMessage, errorType });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
