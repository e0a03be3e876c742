/** A connection whose socket is ours: `pg` does TCP, TLS and authentication, then steps aside, so that COPY can stream under our own rules. */
import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import pg from "pg";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { connectPatiently, type Patience, TRY_MILLISECONDS } from "./connect.ts";

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
  return connectPatiently(address, patience, () => connect(address, application));
}

/** One try; throws what the driver throws. `stream` stands in for a socket that `pg` would make itself. */
async function connect(address: DatabaseAddress, application: string, stream?: () => Duplex): Promise<Wire> {
  const ssl =
    address.sslmode === "disable" ? false : { rejectUnauthorized: address.sslmode === "verify-full" };
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    application_name: application.slice(0, 63),
    keepAlive: true,
    ssl,
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(stream === undefined ? {} : { stream }),
  });
  // Without a listener a connection that breaks now would end the process; connect() reports it as well.
  client.on("error", () => undefined);
  const parameters: Record<string, string> = {};
  let key = { processID: 0, secretKey: 0 };
  client.connection.on("parameterStatus", (told: { parameterName: string; parameterValue: string }) => {
    parameters[told.parameterName] = told.parameterValue;
  });
  client.connection.on("backendKeyData", (told: typeof key) => {
    key = told;
  });
  const deadline = setTimeout(
    () => client.connection.stream.destroy(new Error("timeout expired")),
    TRY_MILLISECONDS,
  );
  try {
    await client.connect();
    // At once: the database or the role may have a time-out that ends the wire before its user has said a word.
    await client.query("set statement_timeout = 0; set lock_timeout = 0; set idle_session_timeout = 0");
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
  const socket = client.connection.stream;
  socket.pause();
  for (const event of ["data", "error", "end", "close", "drain"]) socket.removeAllListeners(event);
  return {
    socket,
    pid: key.processID,
    address,
    parameters,
    cancel: () => requestCancel(address, ssl, key),
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
      : connect(address, application).then(pulled),
  );
}

async function connectThroughOneBuffer(address: DatabaseAddress, application: string): Promise<PulledWire> {
  let handed = false;
  let dropped = false;
  let came: Buffer | null = null;
  let wake = () => {};
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
  const wire = await connect(address, application, () => socket);
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
  ssl: false | { rejectUnauthorized: boolean },
  key: { processID: number; secretKey: number },
): Promise<void> {
  const courier = new pg.Connection({ ssl }) as unknown as Courier;
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
    courier.once("connect", () => (ssl ? courier.requestSsl() : deliver()));
    courier.once("sslconnect", deliver);
    courier.connect(address.port, address.host);
  });
}
