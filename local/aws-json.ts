/** The door the local AWS endpoints share: AWS's JSON protocol (an operation named in `x-amz-target`) over loopback HTTP. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { AwsError, type Endpoint, readBody, serveLoopback } from "./loopback.ts";

export { AwsError, type Endpoint } from "./loopback.ts";

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

/** Serves the operations on 127.0.0.1; anything else is answered 501 `UnknownOperationException`. Port 0 takes a free one. */
export function serveAwsJson(service: AwsJsonService, port = 0): Promise<Endpoint> {
  const reply = (body: object, status = 200) => ({
    status,
    headers: {
      "content-type": `application/x-amz-json-${service.version}`,
      "x-amzn-requestid": randomUUID(),
    },
    body: JSON.stringify(body),
  });
  return serveLoopback(
    {
      answer: async (request) => reply(await run(service, request)),
      refuse: ({ type, message, status }) => reply({ __type: type, message, Message: message }, status),
    },
    port,
  );
}

async function run(service: AwsJsonService, request: IncomingMessage): Promise<object> {
  const [target, name = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
  const known = target === service.target && Object.hasOwn(service.operations, name);
  const found = known ? service.operations[name] : undefined;
  if (request.method !== "POST" || found === undefined)
    throw new AwsError("UnknownOperationException", `${target ?? ""}.${name} is not served here`, 501);
  const body = (await readBody(request, LARGEST_REQUEST)).toString("utf8");
  try {
    return found.run(JSON.parse(body || "{}"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AwsError("SerializationException", "the request is not JSON");
  }
}

/** More than any request of the three services may hold. */
const LARGEST_REQUEST = 4 * 1024 * 1024;
