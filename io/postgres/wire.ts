/** A connection whose socket is ours: `pg` does TCP, TLS and authentication, then steps aside, so that COPY can stream under our own rules. */
import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import pg from "pg";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { connect, type TlsOptions } from "./client.ts";
import { connectPatiently, type Patience } from "./connect.ts";

export interface Wire {
  /** Authenticated, idle, paused, without listeners: whoever opened the wire reads and writes it alone. */
  readonly socket: Duplex;
  readonly pid: number;
  readonly address: DatabaseAddress;
  /** What the server reported at the start (ParameterStatus): server_version, client_encoding … */
  readonly parameters: Readonly<Record<string, string>>;
  /** Asks the server, by a CancelRequest on a connection of its own, to stop what this one runs; a request that cannot be delivered is given up silently. */
  cancel(): Promise<void>;
}

const CANCEL_MILLISECONDS = 5_000;

/** Connects and authenticates; throws as `connectPatiently` does. */
export async function openWire(
  address: DatabaseAddress,
  application: string,
  patience: Patience = {},
): Promise<Wire> {
  return connectPatiently(address, patience, () => attempt(address, application));
}

/** One try; throws as `connect` does. `stream` stands in for a socket that `pg` would make itself. */
async function attempt(address: DatabaseAddress, application: string, stream?: () => Duplex): Promise<Wire> {
  const { client, key, parameters, tls } = await connect(address, {
    application,
    // At once: the role may have a limit that ends the wire before its user has said a word.
    first: (major) => (major >= 17 ? "set transaction_timeout = 0" : undefined),
    ...(stream === undefined ? {} : { stream }),
  });
  const socket = client.connection.stream;
  socket.pause();
  for (const event of ["data", "error", "end", "close", "drain"]) socket.removeAllListeners(event);
  return {
    socket,
    pid: key.processID,
    address,
    parameters,
    cancel: () => requestCancel(address, tls, key),
  };
}

/** A wire that is read when its user asks for bytes, and not before. */
export interface PulledWire extends Wire {
  /** What came, or null when nothing has yet; the bytes may be changed, and hold until the next call. */
  read(): Buffer | null;
  /** `wake` is called when there may be something to read. */
  onReadable(wake: () => void): void;
  /** From now on what comes is dropped. */
  discard(): void;
}

const READ = 256 * 1024;

/**
 * Opens a wire for bulk. Without TLS all bytes come through one piece of memory: a socket that makes a buffer for each read makes
 * gigabytes of them, and collecting those costs more than copying the rows. TLS has its own buffers, for which Node has no such way.
 */
export async function openPulledWire(
  address: DatabaseAddress,
  application: string,
  patience: Patience = {},
): Promise<PulledWire> {
  return connectPatiently(address, patience, () =>
    address.sslmode === "disable"
      ? connectThroughOneBuffer(address, application)
      : attempt(address, application).then(pulled),
  );
}

async function connectThroughOneBuffer(address: DatabaseAddress, application: string): Promise<PulledWire> {
  let handed = false;
  let dropped = false;
  let came: Buffer | null = null;
  let wake = () => {};
  const open = () => {
    const socket: Socket = new Socket({
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ),
        callback: (length, memory) => {
          const bytes = Buffer.from(memory.buffer, memory.byteOffset, length);
          if (dropped) return true;
          // Until it steps aside, `pg` listens as it would to any socket, and may keep what it hears.
          if (!handed) return socket.emit("data", Buffer.from(bytes));
          came = bytes;
          wake();
          // The memory is taken: the socket rests until it is read.
          return false;
        },
      },
    });
    return socket;
  };
  const wire = await attempt(address, application, open);
  const { socket } = wire;
  handed = true;
  return {
    ...wire,
    read: () => {
      const bytes = came;
      came = null;
      if (bytes === null) socket.resume();
      return bytes;
    },
    onReadable: (listener) => {
      wake = listener;
    },
    discard: () => {
      dropped = true;
      socket.resume();
    },
  };
}

function pulled(wire: Wire): PulledWire {
  return {
    ...wire,
    read: () => wire.socket.read(),
    onReadable: (wake) => wire.socket.on("readable", wake),
    discard: () => wire.socket.resume(),
  };
}

/** What `pg.Connection` can do besides what its types tell. */
interface Courier extends EventEmitter {
  readonly stream: Duplex;
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** Resolves when the server has closed the courier's connection, which it does after it has passed the request on. */
function requestCancel(
  address: DatabaseAddress,
  tls: TlsOptions | false,
  key: { processID: number; secretKey: number },
): Promise<void> {
  const courier = new pg.Connection({ ssl: tls }) as unknown as Courier;
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(deadline);
      courier.stream.destroy();
      resolve();
    };
    const deadline = setTimeout(over, CANCEL_MILLISECONDS);
    courier.on("error", over);
    courier.on("end", over);
    const deliver = () => courier.cancel(key.processID, key.secretKey);
    courier.once("connect", () => (tls ? courier.requestSsl() : deliver()));
    courier.once("sslconnect", deliver);
    courier.connect(address.port, address.host);
  });
}
