/** The host's side of one sandbox: starts the thread, gives it one invocation at a time, and ends it when it breaks a limit. */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { exited, type FunctionError, outOfMemory, thrown, timedOut } from "./failure.ts";
import type { Invocation, Report, SandboxData } from "./sandbox.ts";
import { variablesOf } from "./variables.ts";

export interface FunctionSettings {
  /** The module that exports `handler`. */
  module: URL;
  timeoutSeconds: number;
  memoryMb: number;
}

export interface EnvironmentOptions extends FunctionSettings {
  name: string;
  variables: Record<string, string>;
  preload: URL | undefined;
  /** Folder of Node's module compile cache, shared by all threads. */
  compileCache: string;
  onLog: ((line: string) => void) | undefined;
}

/** The handler's result as JSON text, or why there is none. */
export type Outcome = { payload: string } | { error: FunctionError };

export interface ExecutionEnvironment {
  /** False once the thread has ended, by itself or by us: it takes no further invocation. */
  readonly alive: boolean;
  invoke(invocation: Omit<Invocation, "deadline">): Promise<Outcome>;
  terminate(): Promise<void>;
}

/** Seconds for loading the function, as Lambda's init phase has them, unless its own time-out is longer. */
const INIT_SECONDS = 10;

/** How often the memory of a busy thread is looked at, in milliseconds. */
const MEMORY_INTERVAL = 50;

/**
 * Room in V8's own limit above the function's memory. That limit is the last resort only: a thread that meets it while
 * it promotes many young objects takes the whole process down, so the watch must see the excess first.
 */
const HEAP_HEADROOM_MB = 512;

export function startExecutionEnvironment(options: EnvironmentOptions): ExecutionEnvironment {
  const { timeoutSeconds, memoryMb } = options;
  const worker = startThread(options);
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let cause: ((requestId: string) => FunctionError) | undefined;
  let settle: ((outcome: Outcome) => void) | undefined;

  // The first cause is the true one: the thread's exit follows from whatever ended it.
  const end = (why: (requestId: string) => FunctionError) => {
    cause ??= why;
    ended.resolve();
    return worker.terminate();
  };
  worker.on("message", (said: Report) => {
    if (said.kind === "ready") ready.resolve();
    else if (said.kind === "ended") void end(() => said.error);
    else settle?.(said.kind === "result" ? { payload: said.payload } : { error: said.error });
  });
  worker.on("error", (error) => {
    void end(isOutOfMemory(error) ? outOfMemory : () => thrown(error));
  });
  worker.on("exit", (status) => {
    void end((requestId) => exited(requestId, status));
  });

  return {
    get alive() {
      return cause === undefined;
    },
    invoke: async (invocation) => {
      const timeout = (seconds: number) =>
        setTimeout(() => void end((requestId) => timedOut(requestId, seconds)), seconds * 1000);
      const loading = timeout(Math.max(INIT_SECONDS, timeoutSeconds));
      await Promise.race([ready.promise, ended.promise]);
      clearTimeout(loading);
      const answer = new Promise<Outcome>((resolve) => {
        settle = resolve;
      });
      const running = timeout(timeoutSeconds);
      const watch = watchMemory(worker, memoryMb, () => void end(outOfMemory));
      const deadline = Date.now() + timeoutSeconds * 1000;
      worker.postMessage({ ...invocation, deadline } satisfies Invocation);
      try {
        return await Promise.race([
          answer,
          ended.promise.then(() => ({ error: (cause ?? outOfMemory)(invocation.requestId) })),
        ]);
      } finally {
        clearTimeout(running);
        watch.stop();
      }
    },
    terminate: async () => {
      await end((requestId) => exited(requestId, 1));
    },
  };
}

function startThread(options: EnvironmentOptions): Worker {
  const logStream = `${new Date().toISOString().slice(0, 10).replaceAll("-", "/")}/[$LATEST]${randomUUID().replaceAll("-", "")}`;
  const worker = new Worker(new URL("./sandbox.ts", import.meta.url), {
    workerData: {
      module: options.module.href,
      preload: options.preload?.href,
      compileCache: options.compileCache,
    } satisfies SandboxData,
    env: variablesOf(options.name, options.memoryMb, logStream, options.variables),
    // The host's own flags (a test runner's loaders) are not the function's.
    execArgv: [],
    argv: [],
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMb + HEAP_HEADROOM_MB },
    stdout: options.onLog !== undefined,
    stderr: options.onLog !== undefined,
    name: options.name,
  });
  // An idle environment must not keep the host alive; a busy one does so by its time-out.
  worker.unref();
  if (options.onLog !== undefined)
    for (const stream of [worker.stdout, worker.stderr])
      createInterface({ input: stream }).on("line", options.onLog);
  return worker;
}

/** What counts is the heap with what lives outside it: buffers and WebAssembly memory, which V8's own limit does not see. */
function watchMemory(worker: Worker, memoryMb: number, exceeded: () => void): { stop(): void } {
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    worker.getHeapStatistics().then(
      (heap) => {
        asking = false;
        if (heap.used_heap_size + heap.external_memory > memoryMb * 1024 * 1024) exceeded();
      },
      // The thread ended while it was asked: nothing is left to watch.
      () => clearInterval(timer),
    );
  }, MEMORY_INTERVAL).unref();
  return { stop: () => clearInterval(timer) };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
