/**
 * The entry of a process that is one execution environment: the runtime of nodejs24.x, in our words. It knows of its
 * host what Lambda tells every runtime, the address of the Runtime API and where its function is, and nothing else.
 */
import { Agent, request } from "node:http";
import { type FunctionError, initFailed } from "./failure.ts";
import { type Handler, type Invocation, loadHandler, type Outcome, outcomeOf } from "./handler.ts";

const { AWS_LAMBDA_RUNTIME_API: api = "", LAMBDA_TASK_ROOT: root = "", _HANDLER: name = "" } = process.env;

const connection = new Agent({ keepAlive: true, maxSockets: 1 });

// The host holds our standard input: when it is gone, nobody hears the answer, and no runtime is left behind on the machine.
process.stdin.resume().on("end", () => process.exit(1));

const handler = await load();
for (;;) {
  const invocation = await next();
  await tell(invocation, await outcomeOf(handler, invocation));
}

async function load(): Promise<Handler> {
  try {
    return await loadHandler(root, name);
  } catch (error) {
    const failure = initFailed(error);
    await post("/init/error", JSON.stringify(failure), failure);
    throw error;
  }
}

/** Waits for as long as it takes: a time-out here would be one of an idle function. */
async function next(): Promise<Invocation> {
  const { status, headers, body } = await call("GET", "/invocation/next");
  if (status !== 200) throw new Error(`the runtime API has no invocation for us: ${status} ${body}`);
  return {
    requestId: headers("lambda-runtime-aws-request-id"),
    functionArn: headers("lambda-runtime-invoked-function-arn"),
    traceId: headers("lambda-runtime-trace-id"),
    deadline: Number(headers("lambda-runtime-deadline-ms")),
    event: body,
  };
}

async function tell({ requestId }: Invocation, outcome: Outcome): Promise<void> {
  const at = `/invocation/${encodeURIComponent(requestId)}`;
  if ("payload" in outcome) return post(`${at}/response`, outcome.payload);
  process.stderr.write(`${JSON.stringify(outcome.error)}\n`);
  return post(`${at}/error`, JSON.stringify(outcome.error), outcome.error);
}

/** A refusal of what we told is the host's to act on; it has the answer that it needs. */
async function post(path: string, body: string, error?: FunctionError): Promise<void> {
  await call("POST", path, body, error && { "lambda-runtime-function-error-type": error.errorType });
}

function call(
  method: string,
  path: string,
  body?: string,
  more?: Record<string, string>,
): Promise<{ status: number; headers: (name: string) => string; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${api}/2018-06-01/runtime${path}`, {
      method,
      agent: connection,
      headers: {
        ...(body !== undefined && {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        }),
        ...more,
      },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: (name) => String(response.headers[name] ?? ""),
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    sent.end(body);
  });
}
