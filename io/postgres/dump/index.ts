/** pg_dump without a binary: the WebAssembly of it in a thread, its connection through our own authenticated socket. */
import { MessageChannel, Worker } from "node:worker_threads";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { serverError } from "../server-error.ts";
import { openWire, type Wire } from "../wire.ts";
import { NEWEST_MAJOR } from "./pg-dump-wasm.ts";
import type { FromWorker, ToWorker, WorkerInput, WorkerResult } from "./pg-dump-worker.ts";

export interface DumpOptions {
  /** Shown in pg_stat_activity. */
  application: string;
  /** A silence of the server for so long ends the dump; 300 when not given. */
  stallSeconds?: number;
  signal?: AbortSignal;
}

export interface TableOfContentsOptions extends DumpOptions {
  /** An exported snapshot, whose holder stays open. */
  snapshot: string;
  /** How long a table locked by somebody else is waited for; 30 seconds when not given. */
  lockMilliseconds?: number;
}

export interface TableOfContents {
  /** A pg_dump archive in custom format whose data is left out. */
  archive: Uint8Array;
  /** The COPY statements by which pg_dump would have read the data, in the order of the archive's TABLE DATA entries. */
  copies: string[];
  /** pg_dump's transaction stands, and its ACCESS SHARE locks keep every dumped table from being truncated, rewritten or dropped: throws when they were lost. */
  assertLocked(): void;
  /** Ends that transaction. */
  release(): void;
}

/** The archive's table of contents and the COPY list under the snapshot, in one pass. Subscriptions are left out: two databases must not draw on one slot. */
export async function dumpTableOfContents(
  address: DatabaseAddress,
  { snapshot, lockMilliseconds = 30_000, ...options }: TableOfContentsOptions,
): Promise<TableOfContents> {
  const wire = await openWire(address, options.application);
  try {
    const args = ["--format=custom", "--compress=0", "--no-subscriptions", `--snapshot=${snapshot}`];
    const result = await run(wire, [...args, `--lock-wait-timeout=${lockMilliseconds}`], true, options);
    return {
      archive: result.output,
      copies: result.copies,
      assertLocked: () => {
        if (wire.socket.destroyed || wire.socket.readableEnded)
          throw unreachable(address, "the connection that held the locks was lost");
      },
      release: () => {
        wire.socket.destroy();
      },
    };
  } catch (error) {
    wire.socket.destroy();
    // pg_dump puts its limit on waiting into statement_timeout, around LOCK TABLE only.
    if (error instanceof RehearsalError && error.code === "StatementFailed" && hasState(error, "57014"))
      throw new RehearsalError(
        "LockTimeout",
        { statement: "LOCK TABLE … IN ACCESS SHARE MODE", milliseconds: lockMilliseconds, tries: 1 },
        { cause: error },
      );
    throw error;
  }
}

/** The structure as SQL text, as `pg_dump --schema-only` writes it, without psql's \restrict lines. */
export async function dumpSchema(address: DatabaseAddress, options: DumpOptions): Promise<string> {
  const wire = await openWire(address, options.application);
  try {
    const key = "rehearsal";
    const { output } = await run(wire, ["--schema-only", `--restrict-key=${key}`], false, options);
    return Buffer.from(output)
      .toString()
      .replace(`\\restrict ${key}\n\n`, "")
      .replace(`\\unrestrict ${key}\n\n`, "");
  } finally {
    wire.socket.destroy();
  }
}

const STALL_SECONDS = 300;
/** Above this many bytes waiting for the worker, reading from the socket rests, until the worker asks for more. */
const HIGH_WATER = 4 << 20;

async function run(
  wire: Wire,
  args: string[],
  withoutData: boolean,
  { stallSeconds = STALL_SECONDS, signal }: DumpOptions,
): Promise<WorkerResult> {
  refuseNewer(wire);
  signal?.throwIfAborted();
  const { port1: port, port2: workersPort } = new MessageChannel();
  const signals = new SharedArrayBuffer(8);
  const flags = new Int32Array(signals);
  const worker = new Worker(workerFile(), {
    workerData: {
      ...{ port: workersPort, signals, withoutData, parameters: { ...wire.parameters } },
      args: [...args, `--dbname=${connectionString(wire.address.database)}`],
    } satisfies WorkerInput,
    transferList: [workersPort],
    stderr: true,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WorkerResult>();
  const tell = (message: ToWorker) => {
    port.postMessage(message);
    Atomics.add(flags, 0, 1);
    Atomics.notify(flags, 0);
  };
  const clock = setTimeout(() => {
    reject(new RehearsalError("CopyStalled", { seconds: stallSeconds, statement: "pg_dump's queries" }));
  }, stallSeconds * 1000);
  const aborted = () => reject(signal?.reason);
  signal?.addEventListener("abort", aborted, { once: true });
  const onData = (bytes: Buffer) => {
    clock.refresh();
    if (Atomics.add(flags, 1, bytes.length) + bytes.length > HIGH_WATER) wire.socket.pause();
    tell(new Uint8Array(bytes));
  };
  let lost: string | undefined;
  const onEnd = (error?: Error | boolean) => {
    lost ??= error instanceof Error ? error.message : "the connection was closed";
    tell("closed");
  };
  wire.socket.on("data", onData).on("error", onEnd).on("close", onEnd).resume();
  port.on("message", (message: FromWorker) => {
    if (message === "resume") wire.socket.resume();
    else if (message instanceof Uint8Array) wire.socket.write(message);
    else resolve(message);
  });
  worker.on("error", reject);
  worker.on("exit", () => reject(new Error("the thread of pg_dump ended without a result")));
  try {
    const result = await promise;
    if (result.status !== 0) throw failure(result, wire, lost);
    return result;
  } catch (error) {
    void wire.cancel();
    wire.socket.destroy();
    if (error instanceof RehearsalError || signal?.aborted) throw error;
    // Without the cause: its trace quotes the module's whole data: URL.
    throw new RehearsalError("DumpFailed", { database: wire.address.database, reason: String(error) });
  } finally {
    clearTimeout(clock);
    signal?.removeEventListener("abort", aborted);
    // It flows on without a listener, so that its end is noticed while it only holds locks.
    wire.socket.off("data", onData).off("close", onEnd).resume();
    port.close();
    await worker.terminate();
  }
}

/** TypeScript runs as it is here; in a bundle the worker is a file of its own beside the bundle. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "mjs";
  return new URL(`./pg-dump-worker.${extension}`, import.meta.url);
}

function refuseNewer(wire: Wire): void {
  const major = Number.parseInt(wire.parameters.server_version ?? "0", 10);
  if (major <= NEWEST_MAJOR) return;
  wire.socket.destroy();
  throw new RehearsalError("ServerTooNew", { major, supported: NEWEST_MAJOR });
}

/** libpq's keyword form, so that a database named like a connection string stays a name. */
function connectionString(database: string): string {
  return `dbname='${database.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function failure(result: WorkerResult, wire: Wire, lost: string | undefined): RehearsalError {
  if (result.refusal) return serverError(result.refusal, "pg_dump's query", wire.address);
  if (lost) return unreachable(wire.address, lost);
  const reason = result.said.trim().replaceAll("pg_dump: error: ", "").slice(0, 500);
  return new RehearsalError("DumpFailed", { database: wire.address.database, reason });
}

function unreachable(address: DatabaseAddress, reason: string): RehearsalError {
  return new RehearsalError("DatabaseUnreachable", { database: address.database, reason });
}

function hasState(error: RehearsalError, sqlstate: string): boolean {
  return (error.facts as { sqlstate?: string }).sqlstate === sqlstate;
}
