/** The door the local AWS endpoints share: AWS's JSON protocol (an operation named in `x-amz-target`) over loopback HTTP. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { z } from "zod";

/** A refusal as AWS words it: the SDK turns `type` into the name of the error it throws. */
export class AwsError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = type;
    this.type = type;
    this.status = status;
  }
}

export interface AwsOperation {
  run(input: unknown): Promise<object> | object;
}

/** An operation whose request is parsed once, here; a request that does not fit is a `ValidationException`. */
export function operation<S extends z.ZodType>(
  schema: S,
  run: (input: z.output<S>) => Promise<object> | object,
): AwsOperation {
  return {
    run: (input) => {
      const parsed = schema.safeParse(input);
      if (parsed.success) return run(parsed.data);
      const problems = parsed.error.issues.map(
        (issue) => `${issue.path.join(".") || "request"}: ${issue.message}`,
      );
      throw new AwsError("ValidationException", problems.join("; "));
    },
  };
}

export interface AwsJsonService {
  /** What stands before the dot of `x-amz-target`, e.g. `AWSStepFunctions`. */
  target: string;
  /** The protocol's version, which is also the content type's: Step Functions speaks 1.0, most others 1.1. */
  version: "1.0" | "1.1";
  operations: Record<string, AwsOperation>;
}

export interface Endpoint {
  /** `http://127.0.0.1:PORT` */
  url: string;
  stop(): Promise<void>;
}

/** Serves the operations on 127.0.0.1; anything else is answered 501 `UnknownOperationException`. Port 0 takes a free one. */
export async function serveAwsJson(service: AwsJsonService, port = 0): Promise<Endpoint> {
  const server = createServer((request, response) => {
    void answer(service, request).then(
      (body) => reply(response, service, 200, body),
      (error: unknown) => {
        const known = error instanceof AwsError ? error : new AwsError("InternalFailure", String(error), 500);
        reply(response, service, known.status, {
          __type: known.type,
          message: known.message,
          Message: known.message,
        });
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(service: AwsJsonService, request: IncomingMessage): Promise<object> {
  // A page in a browser can reach loopback under a name of its own (DNS rebinding); the SDK always names the address.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ""))
    throw new AwsError("AccessDeniedException", "only loopback names are served", 403);
  const [target, name = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
  const known = target === service.target && Object.hasOwn(service.operations, name);
  const found = known ? service.operations[name] : undefined;
  if (request.method !== "POST" || found === undefined)
    throw new AwsError("UnknownOperationException", `${target ?? ""}.${name} is not served here`, 501);
  return found.run(await body(request));
}

/** More than any request of the three services may hold. */
const LARGEST_REQUEST = 4 * 1024 * 1024;

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_REQUEST)
      throw new AwsError("RequestEntityTooLargeException", "the request is too large", 413);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
  } catch {
    throw new AwsError("SerializationException", "the request is not JSON");
  }
}

function reply(response: ServerResponse, service: AwsJsonService, status: number, body: object) {
  response.writeHead(status, {
    "content-type": `application/x-amz-json-${service.version}`,
    "x-amzn-requestid": randomUUID(),
  });
  response.end(JSON.stringify(body));
}
