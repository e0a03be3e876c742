/** COPY over the wire protocol: bytes out of and into tables, with back pressure, a deadline of our own, and an end in every case. */
import { once } from "node:events";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { type BackendMessage, BackendMessages, errorFields, frontendMessage } from "./backend-messages.ts";
import { CopyBatch } from "./copy-batch.ts";
import { serverError } from "./server-error.ts";
import { openPulledWire, type PulledWire } from "./wire.ts";

interface CopyOptions {
  /** Shown in pg_stat_activity. */
  application: string;
  /** A COPY in which the server neither sends nor takes a byte for so long is given up; 120 when not given. */
  stallSeconds?: number;
  /** Aborting cancels what the server runs and destroys the connection; waiting calls throw the signal's reason. */
  signal?: AbortSignal;
}

/** The bytes of one COPY … TO STDOUT; read once. Leaving the loop early cancels the statement and destroys the session. */
interface CopyOut extends AsyncIterable<Uint8Array> {
  /** From the command tag; known when the iteration has ended. */
  readonly rows: number;
}

const STALL_SECONDS = 120;
const CLOSE_MILLISECONDS = 5_000;

/** Opens a session that speaks COPY; throws `DatabaseUnreachable` or `ConnectionsExhausted`. */
export async function openCopySession(address: DatabaseAddress, options: CopyOptions): Promise<CopySession> {
  options.signal?.throwIfAborted();
  return new CopySession(
    await openPulledWire(address, options.application, { signal: options.signal }),
    options,
  );
}

/** One statement at a time. After `DatabaseUnreachable`, `CopyStalled` or an abort it is of no more use; after any other error it is. */
export class CopySession {
  readonly pid: number;
  #wire: PulledWire;
  #messages = new BackendMessages();
  #statement = "";
  /** Why nothing will come any more. */
  #failure: unknown;
  /** The server's ErrorResponse to the current statement; one that is fatal comes without a ReadyForQuery. */
  #refusal: RehearsalError | undefined;
  #wakeReader = () => {};
  #wakeWriter = () => {};
  #clock: NodeJS.Timeout;
  #waitsForServer = false;
  #release: () => void;

  constructor(wire: PulledWire, { stallSeconds = STALL_SECONDS, signal }: CopyOptions) {
    this.pid = wire.pid;
    this.#wire = wire;
    this.#clock = setTimeout(() => {
      if (this.#waitsForServer)
        this.#abandon(
          new RehearsalError("CopyStalled", {
            seconds: stallSeconds,
            statement: this.#statement.slice(0, 200),
          }),
        );
    }, stallSeconds * 1000).unref();
    const aborted = () => this.#abandon(signal?.reason);
    signal?.addEventListener("abort", aborted, { once: true });
    this.#release = () => {
      clearTimeout(this.#clock);
      signal?.removeEventListener("abort", aborted);
    };
    wire.onReadable(() => this.#wakeReader());
    wire.socket.on("drain", () => this.#wakeWriter());
    wire.socket.on("error", (error) => this.#lose(this.#unreachable(error.message)));
    wire.socket.on("close", () => this.#lose(this.#unreachable("the connection was closed")));
  }

  get address(): DatabaseAddress {
    return this.#wire.address;
  }

  /** Runs SQL by the simple protocol; several statements are one transaction. No deadline: building an index is silent for hours. */
  async execute(sql: string): Promise<void> {
    this.#send(sql);
    await this.#reply();
  }

  /** With `reuse` the pieces share memory: each holds until the next but one is asked for. */
  copyOut(sql: string, { reuse = false } = {}): CopyOut {
    const stream = this.#copyOut(sql, reuse);
    let rows = 0;
    return {
      get rows() {
        return rows;
      },
      async *[Symbol.asyncIterator]() {
        rows = yield* stream;
      },
    };
  }

  /** The columns of the one row that a query gives, as text; for values without line ends, tabs and backslashes. */
  async readRow(query: string): Promise<string[]> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.copyOut(`copy (${query}) to stdout`)) pieces.push(piece);
    return Buffer.concat(pieces).toString("latin1").trimEnd().split("\t");
  }

  async *#copyOut(sql: string, reuse: boolean): AsyncGenerator<Uint8Array, number> {
    let over = false;
    try {
      this.#send(sql);
      let tag = "";
      const batch = new CopyBatch(reuse);
      for (;;) {
        this.#waitForServer(true);
        const { copyData, messages } = await this.#receive();
        this.#waitForServer(false);
        for (const { type, body } of messages) if (type === "C") tag = commandTag(body);
        over = messages.some((message) => message.type === "Z");
        if (over && this.#refusal) throw this.#refusal;
        if (!this.#refusal) yield* batch.add(copyData);
        if (!over) continue;
        yield* batch.rest();
        return rowsOf(tag);
      }
    } finally {
      this.#waitForServer(false);
      // Without the rest of the answer the connection cannot be used again, and the server should not go on for nobody.
      if (!over) this.#abandon(this.#unreachable("the COPY was left before its end"));
    }
  }

  /**
   * Sends the source's bytes as they come; returns the rows by the command tag. When the source throws, nothing of it stays, and its
   * error is thrown. With `consume` the pieces are ours: their memory is given back as soon as they are sent.
   */
  async copyIn(sql: string, source: AsyncIterable<Uint8Array>, { consume = false } = {}): Promise<number> {
    this.#send(sql);
    this.#waitForServer(true);
    const accepted = Promise.withResolvers<void>();
    const reply = this.#reply((message) => {
      if (message.type === "G") accepted.resolve();
    });
    // It is awaited at the end; until then a rejection only wakes the writer.
    const answered = () => accepted.resolve();
    reply.then(answered, answered);
    try {
      await accepted.promise;
      await this.#pour(source, consume);
      this.#waitForServer(true);
      return rowsOf(await reply);
    } catch (error) {
      // Whatever failed first, the session is of use again only after the server's ReadyForQuery.
      await reply.catch(() => undefined);
      throw error;
    } finally {
      this.#waitForServer(false);
    }
  }

  /** Ends the session in order; a server that does not answer is left. */
  async close(): Promise<void> {
    const { socket } = this.#wire;
    this.#failure ??= this.#unreachable("the session was closed");
    this.#release();
    if (socket.destroyed) return;
    const deadline = setTimeout(() => socket.destroy(), CLOSE_MILLISECONDS);
    const closed = once(socket, "close").catch(() => socket.destroy());
    socket.end(frontendMessage("X"));
    this.#wire.discard();
    await closed;
    clearTimeout(deadline);
  }

  /** Breaks the connection, whatever the server does with it. */
  destroy(): void {
    this.#wire.socket.destroy();
  }

  async #pour(source: AsyncIterable<Uint8Array>, consume: boolean): Promise<void> {
    const { socket } = this.#wire;
    // After an error the server drops what still comes: there is no sense in sending it.
    const stopped = () => this.#refusal !== undefined || this.#failure !== undefined;
    if (stopped()) return;
    this.#waitForServer(false);
    try {
      for await (const chunk of source) {
        if (stopped()) return;
        socket.cork();
        socket.write(copyDataHeader(chunk.length));
        const roomLeft = socket.write(chunk, () => {
          if (consume) free(chunk);
        });
        socket.uncork();
        if (roomLeft) continue;
        this.#waitForServer(true);
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
          if (stopped() || !socket.writableNeedDrain) resolve();
        });
        this.#waitForServer(false);
      }
      if (!stopped()) socket.write(frontendMessage("c"));
    } catch (error) {
      // CopyFail: the server rolls the statement back and answers with an echo of our error.
      if (!stopped()) socket.write(frontendMessage("f", "the source ended with an error\0"));
      this.#waitForServer(true);
      throw error;
    }
  }

  #send(sql: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#statement = sql;
    this.#refusal = undefined;
    this.#wire.socket.write(frontendMessage("Q", `${sql}\0`));
  }

  /** Reads until ReadyForQuery; returns the command tag, throws the server's refusal. */
  async #reply(onMessage?: (message: BackendMessage) => void): Promise<string> {
    let tag = "";
    for (;;) {
      const { messages } = await this.#receive();
      for (const message of messages) {
        onMessage?.(message);
        if (message.type === "C") tag = commandTag(message.body);
      }
      if (!messages.some((message) => message.type === "Z")) continue;
      this.#wakeWriter();
      if (this.#refusal) throw this.#refusal;
      return tag;
    }
  }

  /** The next bytes of the server; throws when there will be none. */
  async #receive(): Promise<{ copyData: Buffer; messages: BackendMessage[] }> {
    for (;;) {
      const piece = this.#wire.read();
      if (piece !== null) {
        this.#clock.refresh();
        const taken = this.#messages.take(piece);
        for (const { type, body } of taken.messages) {
          if (type !== "E") continue;
          this.#refusal ??= serverError(errorFields(body), this.#statement, this.#wire.address);
          this.#wakeWriter();
        }
        return taken;
      }
      if (this.#failure !== undefined) throw this.#refusal ?? this.#failure;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  /** The clock runs only while it is the server's turn: a slow disk or store on our side is no stall of the server's. */
  #waitForServer(waits: boolean): void {
    this.#waitsForServer = waits;
    if (waits && this.#failure === undefined) this.#clock.refresh();
  }

  #lose(reason: unknown): void {
    this.#failure ??= reason;
    this.#release();
    this.#wakeReader();
    this.#wakeWriter();
  }

  #abandon(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#lose(reason);
    void this.#wire.cancel();
    this.#wire.socket.destroy();
  }

  #unreachable(reason: string): RehearsalError {
    return new RehearsalError("DatabaseUnreachable", { database: this.#wire.address.database, reason });
  }
}

/** Frees memory without waiting for the collector, whom every few megabytes outside of its heap call anew. A view of a part is left alone: others may have the rest. */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function copyDataHeader(length: number): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.write("d", 0, "latin1");
  header.writeInt32BE(length + 4, 1);
  return header;
}

function commandTag(body: Buffer): string {
  return body.toString("latin1", 0, body.length - 1);
}

/** `COPY 42` → 42. */
function rowsOf(tag: string): number {
  return Number(/^COPY (\d+)$/.exec(tag)?.[1] ?? 0);
}
