/** The entry of a worker thread that is one execution environment: it loads a handler once and answers invocations one at a time. */
import { flushCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { type FunctionError, initFailed } from "./failure.ts";
import { type Handler, type Invocation, loadHandler, type Outcome, outcomeOf } from "./handler.ts";

/** What the thread is started with. */
export interface SandboxData {
  taskRoot: string;
  handler: string;
  preload: string | undefined;
}

/** Thread to host: `ended` is its last word, the others answer the start and an invocation. */
export type Report =
  | { kind: "ready" }
  | { kind: "answered"; outcome: Outcome }
  | { kind: "ended"; error: FunctionError };

const data = workerData as SandboxData;

const handler = await load();
// What was compiled is kept for the next cold start, however this one ends.
flushCompileCache();
parentPort?.on("message", async (invocation: Invocation) =>
  report({ kind: "answered", outcome: await outcomeOf(handler, invocation) }),
);
report({ kind: "ready" });

async function load(): Promise<Handler> {
  try {
    if (data.preload !== undefined) await import(data.preload);
    return await loadHandler(data.taskRoot, data.handler);
  } catch (error) {
    report({ kind: "ended", error: initFailed(error) });
    return process.exit(1);
  }
}

function report(message: Report): void {
  parentPort?.postMessage(message);
}
