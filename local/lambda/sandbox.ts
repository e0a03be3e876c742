/** The entry of a worker thread that is one execution environment: it loads a handler once and answers invocations one at a time. */
import { enableCompileCache, flushCompileCache } from "node:module";
import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type FunctionError, notExported, thrown, unhandledRejection, unserializable } from "./failure.ts";

/** What the thread is started with. */
export interface SandboxData {
  module: string;
  preload: string | undefined;
  compileCache: string;
}

/** Host to thread. */
export interface Invocation {
  requestId: string;
  functionArn: string;
  /** Milliseconds since the epoch, when the host ends the thread. */
  deadline: number;
  /** JSON. */
  event: string;
}

/** Thread to host: `ended` is its last word, the others answer the start and an invocation. */
export type Report =
  | { kind: "ready" }
  | { kind: "result"; payload: string }
  | { kind: "failed"; error: FunctionError }
  | { kind: "ended"; error: FunctionError };

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface Context {
  awsRequestId: string;
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  logGroupName: string;
  logStreamName: string;
  getRemainingTimeInMillis(): number;
}

type Handler = (event: unknown, context: Context) => unknown;

const data = workerData as SandboxData;

process.on("uncaughtException", (error) => end(thrown(error), 129));
process.on("unhandledRejection", (reason) => end(unhandledRejection(reason), 128));

// Before the first import of the function's own code: what is compiled from here on is kept for the next cold start.
enableCompileCache(data.compileCache);

const handler = await load().catch((error: unknown) => end(thrown(error), 1));
flushCompileCache();
parentPort?.on("message", (invocation: Invocation) => void answer(handler, invocation));
report({ kind: "ready" });

async function load(): Promise<Handler> {
  if (data.preload !== undefined) await import(data.preload);
  const loaded = (await import(data.module)) as { handler?: unknown };
  if (typeof loaded.handler !== "function") return end(notExported(basename(data.module, ".ts")), 1);
  return loaded.handler as Handler;
}

async function answer(handler: Handler, invocation: Invocation): Promise<void> {
  let result: unknown;
  try {
    result = await handler(JSON.parse(invocation.event), contextOf(invocation));
  } catch (error) {
    return report({ kind: "failed", error: thrown(error) });
  }
  try {
    report({ kind: "result", payload: JSON.stringify(result) ?? "null" });
  } catch {
    // JSON.stringify says only which property; the runtime's own words are the ones a Catch knows.
    report({ kind: "failed", error: unserializable() });
  }
}

function contextOf({ requestId, functionArn, deadline }: Invocation): Context {
  const variable = (name: string) => process.env[name] ?? "";
  return {
    awsRequestId: requestId,
    functionName: variable("AWS_LAMBDA_FUNCTION_NAME"),
    functionVersion: variable("AWS_LAMBDA_FUNCTION_VERSION"),
    invokedFunctionArn: functionArn,
    memoryLimitInMB: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    logGroupName: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
    logStreamName: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function report(message: Report): void {
  parentPort?.postMessage(message);
}

function end(error: FunctionError, status: number): never {
  report({ kind: "ended", error });
  process.exit(status);
}
