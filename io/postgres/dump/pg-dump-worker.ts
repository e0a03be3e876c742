/**
 * The thread in which pg_dump runs. pg_dump waits for its server as a process does, so it needs a thread of its own that may
 * block: it sleeps on an atomic counter, and the main thread, which owns the socket, wakes it when bytes have come.
 * A bundle has to build this file as an entry point of its own, beside the one that starts it.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { BackendMessages, errorFields } from "../backend-messages.ts";
import type { DumpResult } from "./dumper.ts";
import { PgDumpFrontend } from "./frontend.ts";
import { loadPgDump, type PgDumpModule } from "./pg-dump-wasm.ts";

export interface WorkerInput {
  port: MessagePort;
  /** Int32: [0] grows with every message to the worker, [1] bytes sent to it and not yet taken. */
  signals: SharedArrayBuffer;
  args: string[];
  parameters: Record<string, string>;
  withoutData: boolean;
}

/** To the main thread: bytes for the server, "go on reading", or the end. */
export type FromWorker = Uint8Array | "resume" | DumpResult;

/** To the worker: bytes of the server, or "there will be no more". */
export type ToWorker = Uint8Array | "closed";

/** Below this many bytes waiting, the main thread reads on. */
const LOW_WATER = 1 << 20;

const OUTPUT = "/tmp/output";

const input = workerData as WorkerInput;
// The message must not be overtaken by the thread's end: the main thread ends it when it has the result.
const alive = setInterval(() => undefined, 60_000);
input.port.postMessage(await dump(input).finally(() => alive.ref()));

async function dump({ port, signals, args, parameters, withoutData }: WorkerInput): Promise<DumpResult> {
  const result: DumpResult = {
    status: 0,
    output: new Uint8Array(),
    copies: [],
    said: "",
    refusal: undefined,
  };
  const flags = new Int32Array(signals);
  const frontend = new PgDumpFrontend({
    parameters,
    withoutData,
    onCopy: (statement) => result.copies.push(statement),
  });
  const backend = new BackendMessages();
  const answers: Buffer[] = [];
  let current: Buffer = Buffer.alloc(0);
  let replyDue = false;
  let closed = false;

  /** Looks which replies the bytes complete; a copy, for reading moves the bytes of CopyData about. */
  const watch = (bytes: Buffer) => {
    for (const { type, body } of backend.take(Buffer.from(bytes)).messages) {
      if (type === "E") result.refusal = errorFields(body);
      if (type === "Z") replyDue = false;
    }
  };

  /** Blocks until the server has sent something; undefined when it never will. */
  const receive = (): Buffer | undefined => {
    while (!closed) {
      const seen = Atomics.load(flags, 0);
      const received = receiveMessageOnPort(port) as { message: ToWorker } | undefined;
      if (received === undefined) {
        Atomics.wait(flags, 0, seen);
      } else if (received.message === "closed") {
        closed = true;
      } else {
        const bytes = received.message;
        const waiting = Atomics.sub(flags, 1, bytes.length) - bytes.length;
        if (waiting < LOW_WATER && waiting + bytes.length >= LOW_WATER) port.postMessage("resume");
        const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        watch(piece);
        return piece;
      }
    }
    return undefined;
  };

  const connect = (module: PgDumpModule) => {
    const write = module.addFunction((pointer, length) => {
      const { forward, answer } = frontend.take(module.HEAPU8.subarray(pointer, pointer + length));
      answers.push(...answer);
      for (const message of forward) {
        // Query, Sync and FunctionCall are answered up to a ReadyForQuery.
        if (message[0] === 0x51 || message[0] === 0x53 || message[0] === 0x46) replyDue = true;
        port.postMessage(message, [message.buffer]);
      }
      return length;
    }, "iii");
    const read = module.addFunction((pointer, room) => {
      // libpq also looks for bytes when none are due; blocking then would be for ever. 0 reads as "nothing now", and for good once the socket is closed.
      if (current.length === 0) current = answers.shift() ?? (replyDue ? receive() : undefined) ?? current;
      const length = Math.min(room, current.length);
      module.HEAPU8.set(current.subarray(0, length), pointer);
      current = current.subarray(length);
      return length;
    }, "iii");
    module._pgl_set_rw_cbs(read, write);
  };

  const factory = await loadPgDump();
  const module = await factory({
    thisProgram: "/pg_dump",
    noExitRuntime: false,
    print: (line) => {
      result.said += `${line}\n`;
    },
    printErr: (line) => {
      result.said += `${line}\n`;
    },
    onExit: (status) => {
      result.status = status;
    },
    preRun: [
      (loading) => {
        Object.assign(loading.ENV, { HOME: "/home/postgres", USER: "postgres", LOGNAME: "postgres" });
        Object.assign(loading.ENV, { PGUSER: "postgres", PGCLIENTENCODING: "UTF8" });
        loading.onRuntimeInitialized = () => {
          connect(loading);
          // libpq warns about a password file that others may read; pg_dump looks for itself on the path.
          loading.FS.chmod("/home/postgres/.pgpass", 0o600);
          loading.FS.writeFile("/pg_dump", "");
          loading.FS.chmod("/pg_dump", 0o755);
        };
      },
    ],
  });
  try {
    const status = module.callMain([...args, "--no-sync", "--no-password", "-f", OUTPUT]);
    result.status ||= status;
    if (result.status === 0) result.output = module.FS.readFile(OUTPUT);
  } catch (error) {
    result.said += String(error);
    result.status ||= 1;
  }
  return result;
}
