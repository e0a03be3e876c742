/** pg_dump without a binary, or with the one that the policy names; its connection goes through our own authenticated socket. */
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { serverError } from "../server-error.ts";
import { openWire, type Wire } from "../wire.ts";
import { assertDumpable, NEWEST_MAJOR } from "./dumpable.ts";
import type { Dumper, DumpResult, StartDumper } from "./dumper.ts";
import { startProgram } from "./pg-dump-program.ts";
import { startThread } from "./pg-dump-thread.ts";

interface DumpOptions {
  /** Shown in pg_stat_activity. */
  application: string;
  /** A silence of the server for so long ends the dump; 300 when not given. */
  stallSeconds?: number;
  signal?: AbortSignal;
  /** The path of a pg_dump of this machine: for servers newer than the one we carry, and for no others. */
  program?: string | undefined;
}

interface TableOfContentsOptions extends DumpOptions {
  /** An exported snapshot, whose holder stays open. */
  snapshot: string;
  /** How long a table locked by somebody else is waited for; 30 seconds when not given. */
  lockMilliseconds?: number;
  /** Rows of partitions are to be loaded through the tables they belong to. */
  throughRoots?: boolean;
}

interface TableOfContents {
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
  { snapshot, lockMilliseconds = 30_000, throughRoots = false, ...options }: TableOfContentsOptions,
): Promise<TableOfContents> {
  const wire = await openWire(address, options.application);
  try {
    const args = ["--format=custom", "--compress=0", "--no-subscriptions", `--snapshot=${snapshot}`];
    if (throughRoots) args.push("--load-via-partition-root");
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

/** Lets pg_dump, ours or the policy's, speak through the wire until it ends. */
async function run(
  wire: Wire,
  args: string[],
  withoutData: boolean,
  { stallSeconds = STALL_SECONDS, signal, program }: DumpOptions,
): Promise<DumpResult> {
  const { promise, resolve, reject } = Promise.withResolvers<DumpResult>();
  // It may be given up while the dumper starts, when nobody waits for it yet.
  promise.catch(() => undefined);
  const clock = setTimeout(() => {
    reject(new RehearsalError("CopyStalled", { seconds: stallSeconds, statement: "pg_dump's queries" }));
  }, stallSeconds * 1000);
  const aborted = () => reject(signal?.reason);
  let lost: string | undefined;
  let dumper: Dumper | undefined;
  const onData = (bytes: Buffer) => {
    clock.refresh();
    if (!dumper?.take(bytes)) wire.socket.pause();
  };
  const onEnd = (error?: Error | boolean) => {
    lost ??= error instanceof Error ? error.message : "the connection was closed";
    dumper?.closed();
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", aborted, { once: true });
    wire.socket.on("error", onEnd).on("close", onEnd);
    const start = await chooseDumper(majorOf(wire), program);
    dumper = await start({
      ...{ args, withoutData, parameters: wire.parameters, database: wire.address.database },
      send: (bytes) => wire.socket.write(bytes),
      resume: () => wire.socket.resume(),
    });
    dumper.ended.then(resolve, reject);
    wire.socket.on("data", onData).resume();
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
    await dumper?.stop();
  }
}

async function chooseDumper(major: number, program: string | undefined): Promise<StartDumper> {
  await assertDumpable(major, program);
  if (major <= NEWEST_MAJOR || program === undefined) return startThread;
  return (input) => startProgram(program, input);
}

function majorOf({ parameters }: Wire): number {
  return Number.parseInt(parameters.server_version ?? "0", 10);
}

function failure(result: DumpResult, wire: Wire, lost: string | undefined): RehearsalError {
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
