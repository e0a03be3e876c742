/** AWS Lambda on one machine: functions run in threads with real time-outs, memory limits, payload limits and throttling. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { functionArn, functionName } from "./arn.ts";
import {
  type ExecutionEnvironment,
  type FunctionSettings,
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

export interface LambdaOptions {
  functions: Record<string, FunctionSettings>;
  /** The variables of every function; nothing else of the host's environment reaches them. */
  environment: Record<string, string>;
  /** Invocations that may run at once, over all functions, as an account's limit; beyond, they are throttled. */
  concurrency?: number;
  /** Each line a function writes, and Lambda's own ERROR and REPORT lines; without it they go to this process's output. */
  onLog?: (line: string) => void;
  /** A module loaded in every sandbox before the handler's: tests listen there for milestones. */
  preload?: URL;
  /** Where compiled modules are kept from one cold start to the next. */
  compileCache?: string;
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

const COMPILE_CACHE = fileURLToPath(new URL("../../.rehearsal/compile-cache", import.meta.url));

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

  const open = (name: string, settings: FunctionSettings) => {
    const environment = startExecutionEnvironment({
      ...settings,
      name,
      variables: options.environment,
      preload: options.preload,
      compileCache: options.compileCache ?? COMPILE_CACHE,
      onLog: options.onLog,
    });
    environments.add(environment);
    return environment;
  };

  const run = async (name: string, settings: FunctionSettings, event: string): Promise<InvokeResult> => {
    // The last one used is the warmest; dead ones ended while idle.
    const waiting = (idle.get(name) ?? []).filter((environment) => environment.alive);
    const environment = waiting.pop() ?? open(name, settings);
    idle.set(name, waiting);
    const requestId = randomUUID();
    const began = performance.now();
    running++;
    try {
      const outcome = await environment.invoke({ requestId, functionArn: functionArn(name, region), event });
      if ("error" in outcome) {
        options.onLog?.(`ERROR RequestId: ${requestId} Invoke Error ${JSON.stringify(outcome.error)}`);
        return outcome;
      }
      if (Buffer.byteLength(outcome.payload) > RESPONSE_LIMIT) return { error: responseTooLarge() };
      return { payload: JSON.parse(outcome.payload) };
    } finally {
      running--;
      if (environment.alive) idle.get(name)?.push(environment);
      else environments.delete(environment);
      options.onLog?.(
        `REPORT RequestId: ${requestId} Function: ${name} Duration: ${(performance.now() - began).toFixed(2)} ms Memory Size: ${settings.memoryMb} MB`,
      );
    }
  };

  return {
    invoke: async (nameOrArn, payload, signal) => {
      signal?.throwIfAborted();
      const name = functionName(nameOrArn);
      const settings = Object.hasOwn(options.functions, name) ? options.functions[name] : undefined;
      if (settings === undefined) return { error: notFound(functionArn(name, region)) };
      const event = JSON.stringify(payload) ?? "{}";
      const bytes = Buffer.byteLength(event);
      if (bytes > REQUEST_LIMIT) return { error: requestTooLarge(bytes) };
      if (stopped) return { error: serviceStopped() };
      if (running >= limit) return { error: tooManyRequests() };
      return unlessAborted(run(name, settings, event), signal);
    },
    stop: async () => {
      stopped = true;
      await Promise.all([...environments].map((environment) => environment.terminate()));
    },
  };
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
