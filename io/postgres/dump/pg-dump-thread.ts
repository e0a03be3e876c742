/** The pg_dump that we carry: WebAssembly in a thread of its own. */
import { MessageChannel, Worker } from "node:worker_threads";
import { connectionString, type Dumper, type DumperInput, type DumpResult } from "./dumper.ts";
import type { FromWorker, ToWorker, WorkerInput } from "./pg-dump-worker.ts";

/** Above this many bytes waiting for the worker, the socket should rest, until the worker asks for more. */
const HIGH_WATER = 4 << 20;

export function startThread({ args, database, parameters, withoutData, send, resume }: DumperInput): Dumper {
  const { port1: port, port2: workersPort } = new MessageChannel();
  const signals = new SharedArrayBuffer(8);
  const flags = new Int32Array(signals);
  const worker = new Worker(workerFile(), {
    workerData: {
      ...{ port: workersPort, signals, withoutData, parameters: { ...parameters } },
      args: [...args, `--dbname=${connectionString({ dbname: database })}`],
    } satisfies WorkerInput,
    transferList: [workersPort],
    stderr: true,
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<DumpResult>();
  const tell = (message: ToWorker) => {
    port.postMessage(message);
    Atomics.add(flags, 0, 1);
    Atomics.notify(flags, 0);
  };
  port.on("message", (message: FromWorker) => {
    if (message === "resume") resume();
    else if (message instanceof Uint8Array) send(message);
    else resolve(message);
  });
  worker.on("error", reject);
  worker.on("exit", () => reject(new Error("the thread of pg_dump ended without a result")));
  return {
    ended,
    take: (bytes) => {
      const enough = Atomics.add(flags, 1, bytes.length) + bytes.length > HIGH_WATER;
      tell(new Uint8Array(bytes));
      return !enough;
    },
    closed: () => tell("closed"),
    stop: async () => {
      port.close();
      await worker.terminate();
    },
  };
}

/** TypeScript runs as it is here; in a bundle the worker is a file of its own beside the bundle. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "mjs";
  return new URL(`./pg-dump-worker.${extension}`, import.meta.url);
}
