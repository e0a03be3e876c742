/** The runtime's work, whatever it runs in: finds a function's handler, and turns what it returns or throws into what Lambda is told. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type FunctionError,
  handlerNotFound,
  InitFailure,
  importFailed,
  malformedHandler,
  syntaxFailed,
  thrown,
  unserializable,
} from "./failure.ts";

/** One event for a handler, and what is told of it beside. */
export interface Invocation {
  requestId: string;
  /** As it was called: with the version or the alias, if one was named. */
  functionArn: string;
  /** `Root=…;Parent=…;Sampled=…`: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html */
  traceId: string;
  /** Milliseconds since the epoch, when the host ends the sandbox. */
  deadline: number;
  /** JSON. */
  event: string;
}

/** The handler's result as JSON text, or why there is none. */
export type Outcome = { payload: string } | { error: FunctionError };

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface Context {
  awsRequestId: string;
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  logGroupName: string;
  logStreamName: string;
  xRayTraceId: string;
  getRemainingTimeInMillis(): number;
}

export type Handler = (event: unknown, context: Context) => unknown;

/** As Lambda's own client looks for a module; the last is for sources, which Lambda itself does not run. */
const EXTENSIONS = ["", ".js", ".mjs", ".cjs", ".ts"];

/**
 * Loads `main.handler` from below the folder. Follows aws-lambda-ric 4, which the runtime nodejs24.x is made of.
 * Throws `InitFailure`, or whatever the module itself throws.
 */
export async function loadHandler(taskRoot: string, name: string): Promise<Handler> {
  const [, moduleName = "", exported = ""] = /^([^.]*)\.([^.]+)$/.exec(name) ?? [];
  if (moduleName === "") throw new InitFailure(malformedHandler());
  const path = EXTENSIONS.map((extension) => join(taskRoot, moduleName + extension)).find(existsSync);
  if (path === undefined) throw new InitFailure(importFailed(absence(taskRoot, moduleName)));
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) throw new InitFailure(syntaxFailed(error));
    throw error;
  }
  const handler = loaded[exported];
  if (handler === undefined || handler === null)
    throw new InitFailure(handlerNotFound(name, "undefined or not exported"));
  if (typeof handler !== "function") throw new InitFailure(handlerNotFound(name, "not a function"));
  return handler as Handler;
}

/** Runs one invocation to its end. Never throws. */
export async function outcomeOf(handler: Handler, invocation: Invocation): Promise<Outcome> {
  process.env._X_AMZN_TRACE_ID = invocation.traceId;
  let result: unknown;
  try {
    result = await handler(JSON.parse(invocation.event), contextOf(invocation));
  } catch (error) {
    return { error: thrown(error) };
  }
  try {
    return { payload: JSON.stringify(result) ?? "null" };
  } catch {
    // JSON.stringify says only which property; the runtime's own words are the ones a Catch knows.
    return { error: unserializable() };
  }
}

function contextOf({ requestId, functionArn, deadline, traceId }: Invocation): Context {
  const variable = (name: string) => process.env[name] ?? "";
  return {
    awsRequestId: requestId,
    functionName: variable("AWS_LAMBDA_FUNCTION_NAME"),
    functionVersion: variable("AWS_LAMBDA_FUNCTION_VERSION"),
    invokedFunctionArn: functionArn,
    memoryLimitInMB: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    logGroupName: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
    logStreamName: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
    xRayTraceId: traceId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** Node's own words for a module that is nowhere. */
function absence(taskRoot: string, moduleName: string): unknown {
  try {
    return createRequire(import.meta.url).resolve(`./${moduleName}`, { paths: [taskRoot] });
  } catch (error) {
    return error;
  }
}
