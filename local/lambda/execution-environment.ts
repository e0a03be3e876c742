/** The host's side of one sandbox, be it a thread or a process: gives it one invocation at a time, and ends it when it breaks a limit. */
import { exited, type FunctionError, outOfMemory, timedOut } from "./failure.ts";
import type { Invocation, Outcome } from "./handler.ts";

export interface FunctionSettings {
  /** The module that exports `handler`. */
  module: URL;
  timeoutSeconds: number;
  memoryMb: number;
}

export interface EnvironmentOptions extends FunctionSettings {
  name: string;
  /** `$LATEST`, or the number of a published version. */
  version: string;
  variables: Record<string, string>;
  preload: URL | undefined;
  /** Folder of Node's module compile cache, shared by all sandboxes. */
  compileCache: string;
  onLog: ((line: string) => void) | undefined;
}

/** What runs the function: `startThread` (thread.ts), `startProcess` (process.ts). */
export type StartSandbox = (options: EnvironmentOptions, tell: Told) => Sandbox;

export interface Sandbox {
  /** Hands over an event, once it is ready and the one before is answered. */
  give(invocation: Invocation): void;
  /** Bytes that it takes now; rejects when it has ended. */
  memory(): Promise<number>;
  /** Ends it in the midst of whatever it does; resolves when it is gone. */
  end(): Promise<unknown>;
}

/** What a sandbox tells of itself. */
export interface Told {
  /** It has loaded the function and waits for an event. */
  ready(): void;
  answered(outcome: Outcome): void;
  /** It has ended, or is about to: what its invocation is told, by its request's id. */
  ended(why: (requestId: string) => FunctionError): void;
}

export interface ExecutionEnvironment {
  /** False once the sandbox has ended, by itself or by us: it takes no further invocation. */
  readonly alive: boolean;
  invoke(invocation: Omit<Invocation, "deadline">): Promise<Outcome>;
  terminate(): Promise<void>;
}

/** Seconds for loading the function, as Lambda's init phase has them, unless its own time-out is longer. */
const INIT_SECONDS = 10;

/** How often the memory of a busy sandbox is looked at, in milliseconds. */
const MEMORY_INTERVAL = 50;

export function startExecutionEnvironment(
  start: StartSandbox,
  options: EnvironmentOptions,
): ExecutionEnvironment {
  const { timeoutSeconds, memoryMb } = options;
  let ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let cause: ((requestId: string) => FunctionError) | undefined;
  let settle: ((outcome: Outcome) => void) | undefined;

  // The first cause is the true one: the sandbox's exit follows from whatever ended it.
  const end = (why: (requestId: string) => FunctionError) => {
    cause ??= why;
    ended.resolve();
    return sandbox.end();
  };
  const sandbox = start(options, {
    ready: () => ready.resolve(),
    answered: (outcome) => settle?.(outcome),
    ended: (why) => void end(why),
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
      if (cause !== undefined) return { error: cause(invocation.requestId) };
      ready = Promise.withResolvers<void>();
      const answer = new Promise<Outcome>((resolve) => {
        settle = resolve;
      });
      const running = timeout(timeoutSeconds);
      const watch = watchMemory(sandbox, memoryMb, () => void end(outOfMemory));
      sandbox.give({ ...invocation, deadline: Date.now() + timeoutSeconds * 1000 });
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

function watchMemory(sandbox: Sandbox, memoryMb: number, exceeded: () => void): { stop(): void } {
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    sandbox.memory().then(
      (bytes) => {
        asking = false;
        if (bytes > memoryMb * 1024 * 1024) exceeded();
      },
      // The sandbox ended while it was asked: nothing is left to watch.
      () => clearInterval(timer),
    );
  }, MEMORY_INTERVAL).unref();
  return { stop: () => clearInterval(timer) };
}
