/** A sandbox that is a thread of this process: cheap to begin, and a kill of it is a kill of the whole service. */
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import type { EnvironmentOptions, Sandbox, Told } from "./execution-environment.ts";
import { exited, outOfMemory } from "./failure.ts";
import type { Invocation } from "./handler.ts";
import type { Report, SandboxData } from "./sandbox.ts";
import { newLogStream, placeOf, variablesOf } from "./variables.ts";

/**
 * Room in V8's own limit above the function's memory. That limit is the last resort only: a thread that meets it while
 * it promotes many young objects takes the whole process down, so the watch must see the excess first.
 */
const HEAP_HEADROOM_MB = 512;

export function startThread(options: EnvironmentOptions, tell: Told): Sandbox {
  const worker = new Worker(new URL("./sandbox.ts", import.meta.url), {
    workerData: {
      ...placeOf(options.module),
      preload: options.preload?.href,
    } satisfies SandboxData,
    // By the variable it holds for the sandbox's own first module and for the threads that it starts as well.
    env: {
      ...variablesOf(options, newLogStream(options.version)),
      NODE_COMPILE_CACHE: options.compileCache,
    },
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
  worker.on("message", (said: Report) => {
    if (said.kind === "ready") tell.ready();
    else if (said.kind === "ended") tell.ended(() => said.error);
    else {
      tell.answered(said.outcome);
      tell.ready();
    }
  });
  worker.on("error", (error) => {
    if (isOutOfMemory(error)) return tell.ended(outOfMemory);
    // What a process would have written as its last words.
    options.onLog?.(error instanceof Error ? (error.stack ?? error.message) : String(error));
    tell.ended((requestId) => exited(requestId, 1));
  });
  worker.on("exit", (status) => tell.ended((requestId) => exited(requestId, status)));
  return {
    give: (invocation) => worker.postMessage(invocation satisfies Invocation),
    // What counts is the heap with what lives outside it: buffers and WebAssembly memory, which V8's own limit does not see.
    memory: async () => {
      const heap = await worker.getHeapStatistics();
      return heap.used_heap_size + heap.external_memory;
    },
    end: () => worker.terminate(),
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
