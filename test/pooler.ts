/** A pooler in transaction mode, as PgBouncer's: clients are many, sessions of the server few, and each is lent out until its transaction ends. */
import type { Duplex } from "node:stream";
import type { DatabaseAddress } from "../core/database-url.ts";
import { BackendMessages } from "../io/postgres/backend-messages.ts";
import { openWire, type Wire } from "../io/postgres/wire.ts";
import { type Front, greet, startFront } from "./postgres-front.ts";

export interface PoolerOptions {
  server: DatabaseAddress;
  /** How many sessions of the server there are; opened beforehand. */
  size: number;
  /** Which of the free ones is lent next: the one returned last, or the one returned first. */
  next: "last" | "first";
}

/** All clients are the server's own user, in its database. */
export async function startPooler({ server, size, next }: PoolerOptions): Promise<Front> {
  const pool = new Pool(server, next);
  const some = await pool.grow();
  for (let more = 1; more < size; more++) await pool.grow();
  const front = await startFront({
    server,
    join: async (client) => {
      greet(client, some, { announcedPid: Math.floor(Math.random() * 2 ** 31) });
      new Client(client, pool);
    },
  });
  return {
    port: front.port,
    stop: async () => {
      pool.end();
      await front.stop();
    },
  };
}

class Pool {
  #all: Wire[] = [];
  #free: Wire[] = [];
  #waiting: ((wire: Wire) => void)[] = [];
  #server: DatabaseAddress;
  #next: "last" | "first";
  #over = false;

  constructor(server: DatabaseAddress, next: "last" | "first") {
    this.#server = server;
    this.#next = next;
  }

  /** One session more, unless nobody is served any longer. */
  async replace(): Promise<void> {
    if (!this.#over) await this.grow();
  }

  async grow(): Promise<Wire> {
    const wire = await openWire(this.#server, "pooled");
    this.#all.push(wire);
    this.takeBack(wire);
    return wire;
  }

  end(): void {
    this.#over = true;
    for (const { socket } of this.#all) socket.destroy();
  }

  lend(): Promise<Wire> {
    const wire = this.#next === "last" ? this.#free.pop() : this.#free.shift();
    if (wire !== undefined) return Promise.resolve(wire);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  takeBack(wire: Wire): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(wire);
    else this.#free.push(wire);
  }
}

const TERMINATE = 0x58;

class Client {
  #wire: Promise<Wire> | undefined;

  constructor(client: Duplex, pool: Pool) {
    client.on("data", (bytes: Buffer) => {
      if (bytes[0] === TERMINATE) return;
      this.#wire ??= pool.lend().then((wire) => this.#borrow(wire, client, pool));
      void this.#wire.then((wire) => wire.socket.write(bytes));
    });
  }

  /** The session's answers go to this client until it is idle again. */
  #borrow(wire: Wire, client: Duplex, pool: Pool): Wire {
    const messages = new BackendMessages();
    const { socket } = wire;
    const answer = (bytes: Buffer) => {
      client.write(bytes);
      const ready = messages.take(Buffer.from(bytes)).messages.findLast(({ type }) => type === "Z");
      if (ready?.body.toString() !== "I") return;
      socket.off("data", answer);
      client.off("close", leave);
      this.#wire = undefined;
      pool.takeBack(wire);
    };
    // What a client that left has open is not carried to the next, who gets a new session.
    const leave = () => {
      socket.destroy();
      void pool.replace();
    };
    client.once("close", leave);
    socket.on("data", answer).resume();
    return wire;
  }
}
