/** A TCP proxy on loopback that stalls or cuts its connections on demand: the network's faults, while both ends are well. */
import { connect, createServer, type Socket } from "node:net";

export interface Fault {
  /** `stall` forwards nothing more and leaves the connection open; `cut` resets it at both ends. */
  kind: "stall" | "cut";
  /** Whose bytes are counted: a connection is struck when more than `after` of them have passed on it. */
  from: "server" | "client";
  after: number;
}

export interface TcpProxy {
  /** The same address by way of the proxy. */
  through<A extends { host: string; port: number }>(address: A): A;
  /** From now on strikes connections, those that stand too; the counts go on. */
  inject(fault: Fault): void;
  /** New connections, and those not yet struck, are left alone; those that stall are closed, so that each end learns of it. */
  heal(): void;
  /**
   * From now on no new connection reaches the server: it is `silent`, or `refuses` as a server does that starts (57P03). Those that
   * stand are left alone.
   */
  sleep(how: "silent" | "refuses"): void;
  /** The server is reached again, also by those that were left in silence. */
  wake(): void;
  /** How many connections were made through it. */
  connections(): number;
  /** How many connections came while it slept. */
  turnedAway(): number;
  /** How many connections a fault has struck. */
  struck(): number;
  stop(): Promise<void>;
}

/** ErrorResponse as a server sends it while it starts: type, length, fields, each of them ended by a zero. */
const STARTING = errorResponse({
  S: "FATAL",
  V: "FATAL",
  C: "57P03",
  M: "the database system is starting up",
});

function errorResponse(fields: Record<string, string>): Buffer {
  const body = Object.entries(fields)
    .map(([type, value]) => `${type}${value}\0`)
    .join("");
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length + 1);
  return Buffer.concat([Buffer.from("E"), length, Buffer.from(`${body}\0`)]);
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let fault: Fault | undefined;
  let struck = 0;
  const sockets = new Set<Socket>();
  const stalling = new Set<Socket>();
  let asleep: "silent" | "refuses" | undefined;
  let turnedAway = 0;
  let connections = 0;
  let waking = Promise.withResolvers<void>();
  const server = createServer((client) => {
    if (asleep === undefined) return join(client);
    turnedAway += 1;
    sockets.add(client.on("error", () => undefined));
    if (asleep === "refuses") client.once("data", () => client.end(STARTING));
    else void waking.promise.then(() => client.destroyed || join(client));
  });
  const join = (client: Socket) => {
    connections += 1;
    const upstream = connect(target.port, target.host);
    const pair = [client, upstream];
    let stalled = false;
    const passed = { client: 0, server: 0 };
    const end = () => {
      for (const socket of pair) socket.destroy();
    };
    const strike = (kind: Fault["kind"]) => {
      struck += 1;
      stalled = kind === "stall";
      for (const socket of pair) {
        if (kind === "cut") socket.resetAndDestroy();
        else stalling.add(socket.pause());
      }
    };
    const forward = (from: Socket, to: Socket, side: Fault["from"]) => {
      from.on("data", (bytes: Buffer) => {
        const allowed = fault?.from === side ? fault.after - passed[side] : Number.POSITIVE_INFINITY;
        passed[side] += bytes.length;
        if (bytes.length > allowed && fault) {
          if (allowed > 0) to.write(bytes.subarray(0, allowed));
          strike(fault.kind);
        } else if (!to.write(bytes)) {
          from.pause();
          to.once("drain", () => stalled || from.resume());
        }
      });
      from.on("error", end).on("close", end);
      sockets.add(from);
    };
    forward(client, upstream, "client");
    forward(upstream, client, "server");
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const listening = server.address();
  if (listening === null || typeof listening === "string") throw new Error("the proxy has no port");
  return {
    through: (address) => ({ ...address, host: "127.0.0.1", port: listening.port }),
    inject: (wanted) => {
      fault = wanted;
    },
    heal: () => {
      fault = undefined;
      for (const socket of stalling) socket.destroy();
      stalling.clear();
    },
    sleep: (how) => {
      asleep = how;
    },
    wake: () => {
      asleep = undefined;
      waking.resolve();
      waking = Promise.withResolvers();
    },
    connections: () => connections,
    turnedAway: () => turnedAway,
    struck: () => struck,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
