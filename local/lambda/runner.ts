/** AWS Lambda on one machine: functions run in threads or processes with real time-outs, memory limits, payload limits and throttling. */
import { randomBytes, randomUUID } from "node:crypto";
import { COMPILE_CACHE } from "../compile-cache.ts";
import { functionArn, functionName, functionVersion } from "./arn.ts";
import {
  type ExecutionEnvironment,
  type FunctionSettings,
  type StartSandbox,
  startExecutionEnvironment,
} from "./execution-environment.ts";
import {
  type FunctionError,
  notFound,
  REQUEST_LIMIT,
  RESPONSE_LIMIT,
  requestTooLarge,
  responseTooLarge,
  serviceStopped,
  tooManyRequests,
} from "./failure.ts";
import { startProcess } from "./process.ts";
import { startThread } from "./thread.ts";

export interface LambdaOptions {
  /** Each function as it is now. */
  functions: Record<string, FunctionSettings> | FunctionTable;
  /** The variables of every function; nothing else of the host's environment reaches them. */
  environment: Record<string, string>;
  /** Invocations that may run at once, over all functions, as an account's limit; beyond, they are throttled. */
  concurrency?: number;
  /** Each line a function writes, and Lambda's own ERROR and REPORT lines; without it they go to this process's output. */
  onLog?: (line: string) => void;
  /** A module loaded in every sandbox before the handler's: tests listen there for milestones. */
  preload?: URL;
  /**
   * Each sandbox is a process under the Runtime API, as on AWS, instead of a thread; a path is that of another runtime
   * than ours, such as the index.mjs of aws-lambda-ric.
   */
  processes?: boolean | string;
  /** Where compiled modules are kept from one cold start to the next. */
  compileCache?: string;
}

/** Functions of which there are several versions. */
export interface FunctionTable {
  /** Undefined where there is no such function, or never was this version of it. */
  find(name: string, version: string): FunctionSettings | undefined;
}

export type InvokeResult = { payload: unknown } | { error: FunctionError };

export interface LambdaRunner {
  /**
   * Runs a function and waits for it. Failures of the function or the service are returned; only an abort of the
   * signal throws, and it ends the waiting, not the function: Lambda goes on when its caller leaves, and so does this.
   */
  invoke(nameOrArn: string, payload: unknown, signal?: AbortSignal): Promise<InvokeResult>;
  /** Ends every sandbox, also in the middle of an invocation. */
  stop(): Promise<void>;
}

/**
 * Starts nothing yet: a sandbox begins with its first invocation and is kept for the next.
 *
 * @example
 * const lambda = startLambdaRunner({ functions: { admit: { module, timeoutSeconds: 60, memoryMb: 512 } }, environment });
 * await lambda.invoke("admit", { promotion: "p1" }); // { payload: … }
 */
export function startLambdaRunner(options: LambdaOptions): LambdaRunner {
  const limit = options.concurrency ?? 50;
  const region = options.environment.AWS_REGION;
  const idle = new Map<string, ExecutionEnvironment[]>();
  const environments = new Set<ExecutionEnvironment>();
  let running = 0;
  let stopped = false;

  const { functions, processes = false } = options;
  const find = (name: string, version: string) =>
    isTable(functions) ? functions.find(name, version) : latest(functions, name, version);
  const runtime = typeof processes === "string" ? { runtime: processes } : {};
  const start: StartSandbox = processes
    ? (settings, tell) => startProcess({ ...settings, ...runtime }, tell)
    : startThread;

  const open = (name: string, version: string, settings: FunctionSettings) => {
    const environment = startExecutionEnvironment(start, {
      ...settings,
      name,
      version,
      variables: options.environment,
      preload: options.preload,
      compileCache: options.compileCache ?? COMPILE_CACHE,
      onLog: options.onLog,
    });
    environments.add(environment);
    return environment;
  };

  const run = async (called: string, settings: FunctionSettings, event: string): Promise<InvokeResult> => {
    const [name, version] = [functionName(called), functionVersion(called)];
    // A version's sandboxes are its own, and so are those of code that $LATEST no longer is.
    const kind = `${name}:${version} ${settings.module.href}`;
    // The last one used is the warmest; dead ones ended while idle.
    const waiting = (idle.get(kind) ?? []).filter((environment) => environment.alive);
    const environment = waiting.pop() ?? open(name, version, settings);
    idle.set(kind, waiting);
    const requestId = randomUUID();
    const began = performance.now();
    running++;
    try {
      const outcome = await environment.invoke({
        requestId,
        functionArn: arnOf(called, region),
        traceId: newTrace(),
        event,
      });
      if ("error" in outcome) {
        options.onLog?.(`ERROR RequestId: ${requestId} Invoke Error ${JSON.stringify(outcome.error)}`);
        return outcome;
      }
      if (Buffer.byteLength(outcome.payload) > RESPONSE_LIMIT) return { error: responseTooLarge() };
      return { payload: JSON.parse(outcome.payload) };
    } finally {
      running--;
      if (environment.alive) idle.get(kind)?.push(environment);
      else environments.delete(environment);
      options.onLog?.(
        `REPORT RequestId: ${requestId} Function: ${name} Duration: ${(performance.now() - began).toFixed(2)} ms Memory Size: ${settings.memoryMb} MB`,
      );
    }
  };

  return {
    invoke: async (nameOrArn, payload, signal) => {
      signal?.throwIfAborted();
      const settings = find(functionName(nameOrArn), functionVersion(nameOrArn));
      if (settings === undefined) return { error: notFound(arnOf(nameOrArn, region)) };
      const event = JSON.stringify(payload) ?? "{}";
      const bytes = Buffer.byteLength(event);
      if (bytes > REQUEST_LIMIT) return { error: requestTooLarge(bytes) };
      if (stopped) return { error: serviceStopped() };
      if (running >= limit) return { error: tooManyRequests() };
      return unlessAborted(run(nameOrArn, settings, event), signal);
    },
    stop: async () => {
      stopped = true;
      await Promise.all([...environments].map((environment) => environment.terminate()));
    },
  };
}

function isTable(functions: LambdaOptions["functions"]): functions is FunctionTable {
  return typeof functions.find === "function";
}

/** Where nothing was published there is only what is there now. */
function latest(
  functions: Record<string, FunctionSettings>,
  name: string,
  version: string,
): FunctionSettings | undefined {
  return version === "$LATEST" && Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** With the qualifier, if it was called by one. */
function arnOf(called: string, region: string | undefined): string {
  return functionArn(called.replace(/^.*\bfunction:/, ""), region);
}

function newTrace(): string {
  const time = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${time}-${randomBytes(12).toString("hex")};Parent=${randomBytes(8).toString("hex")};Sampled=0`;
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
