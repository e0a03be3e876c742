/**
 * A pg_dump of this machine, for servers that ours does not know. It is given no way to the server: it connects to a port of
 * 127.0.0.1, with a password made for this one run, and what it says there is sent on through our own connection.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { RehearsalError } from "../../../core/errors.ts";
import { BackendMessages, errorFields } from "../backend-messages.ts";
import { connectionString, type Dumper, type DumperInput, type DumpResult } from "./dumper.ts";
import { PgDumpFrontend } from "./frontend.ts";

const MOST_WORDS = 10_000;

/** Throws `PgDumpUnfit` unless the program runs, is a pg_dump, and is not older than the server. */
export async function assertProgram(path: string, major: number): Promise<void> {
  const unfit = (reason: string, cause?: unknown) =>
    new RehearsalError("PgDumpUnfit", { path, reason }, { cause });
  const { stdout } = await promisify(execFile)(path, ["--version"], {
    env: surroundings(),
    timeout: 10_000,
  }).catch((error: NodeJS.ErrnoException) => {
    throw unfit(
      error.code === "ENOENT" ? "there is no such file where the service runs" : error.message,
      error,
    );
  });
  const version = /^pg_dump \(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw unfit("it does not answer --version as pg_dump does");
  if (Number(version) < major) throw unfit(`it is of version ${version}, and the server of ${major}`);
}

/** Starts it; the result's output is what it writes to standard output. */
export async function startProgram(path: string, input: DumperInput): Promise<Dumper> {
  const relay = new Relay(input);
  const { port, password } = await relay.listen();
  const way = { host: "127.0.0.1", port: String(port), user: "rehearsal", dbname: input.database };
  const child = spawn(
    path,
    [
      ...input.args,
      "--no-password",
      `--dbname=${connectionString({ ...way, sslmode: "disable", gssencmode: "disable" })}`,
    ],
    // A group of its own: what is named may be a script, and the program its child.
    {
      ...{ env: { ...surroundings(), PGPASSWORD: password }, stdio: ["ignore", "pipe", "pipe"] },
      detached: true,
    },
  );
  const output: Buffer[] = [];
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-MOST_WORDS);
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<DumpResult>();
  child.on("error", reject);
  child.on("close", (code) => {
    const { copies, refusal } = relay;
    const status = code ?? 1;
    resolve({
      status,
      output: status === 0 ? Buffer.concat(output) : Buffer.alloc(0),
      copies,
      said,
      refusal,
    });
  });
  return {
    ended,
    take: (bytes) => relay.take(bytes),
    closed: () => relay.close(),
    stop: async () => {
      relay.close();
      killGroup(child);
      // Whatever it was to say is not wanted any more, and why it failed has been told.
      child.stdout.destroy();
      child.stderr.destroy();
      await ended.catch(() => undefined);
    },
  };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended in this moment.
  }
}

/** Of our own variables only those by which a program is found and run: neither credentials nor libpq's settings. */
function surroundings(): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH, HOME } = process.env;
  return { PATH, LD_LIBRARY_PATH, HOME, LC_ALL: "C" };
}

/** The port that pg_dump takes for its server. */
class Relay {
  readonly copies: string[] = [];
  refusal: Record<string, string> | undefined;
  #input: DumperInput;
  #password = randomBytes(24).toString("base64url");
  #server: Server;
  #guests = new Set<Socket>();
  /** The one that knew the password. */
  #dumper: Socket | undefined;
  #backend = new BackendMessages();

  constructor(input: DumperInput) {
    this.#input = input;
    this.#server = createServer((guest) => this.#receive(guest));
  }

  async listen(): Promise<{ port: number; password: string }> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the relay has no port");
    return { port: address.port, password: this.#password };
  }

  take(bytes: Buffer): boolean {
    // A copy, for reading moves the bytes of CopyData about.
    for (const { type, body } of this.#backend.take(Buffer.from(bytes)).messages)
      if (type === "E") this.refusal = errorFields(body);
    return this.#dumper?.write(bytes) ?? true;
  }

  close(): void {
    this.#server.close();
    for (const guest of this.#guests) guest.destroy();
  }

  #receive(guest: Socket): void {
    const { parameters, withoutData, send, resume } = this.#input;
    this.#guests.add(guest);
    const frontend = new PgDumpFrontend({
      ...{ parameters, withoutData, password: this.#password },
      onCopy: (statement) => this.copies.push(statement),
    });
    guest.setNoDelay(true);
    guest.on("close", () => this.#guests.delete(guest));
    // pg_dump tells itself why it left; nothing else is of interest here.
    guest.on("error", () => guest.destroy());
    guest.on("drain", resume);
    guest.on("data", (bytes) => {
      const { forward, answer, stranger } = frontend.take(bytes);
      for (const message of answer) guest.write(message);
      if (stranger || (frontend.known && this.#dumper !== undefined && this.#dumper !== guest)) {
        guest.end();
        return;
      }
      if (frontend.known && this.#dumper === undefined) {
        this.#dumper = guest;
        this.#server.close();
      }
      for (const message of forward) send(message);
    });
  }
}
