/** A door before a real server: TLS and the start of each connection are done here, as RDS, a proxy or a newer server would do them. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Duplex, Transform } from "node:stream";
import { TLSSocket } from "node:tls";
import type { DatabaseAddress } from "../core/database-url.ts";
import { frontendMessage } from "../io/postgres/backend-messages.ts";
import { openWire, type Wire } from "../io/postgres/wire.ts";

export interface FrontOptions {
  server: DatabaseAddress;
  /** PEM; without it the front speaks no TLS. */
  identity?: { certificate: string; key: string };
  /** Judges a password that is asked for in clear; without it everybody may enter. */
  admit?: (password: string, user: string) => boolean;
  /** Reported in place of the server's own (ParameterStatus). */
  parameters?: Record<string, string>;
  /** What the server's bytes are made into; as many as there were. */
  rewrite?: (bytes: Buffer) => Buffer;
  /** The process id that is given out in place of the backend's. */
  announcedPid?: number;
  /** Takes over a connection that has been let in; else it is joined to a session of its own. */
  join?: (guest: Duplex, start: Start) => Promise<void>;
}

export interface Start {
  user: string;
  database: string;
  application: string;
}

export interface Front {
  port: number;
  stop(): Promise<void>;
}

const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;

export async function startFront(options: FrontOptions): Promise<Front> {
  const guests = new Set<Socket>();
  const server = createServer((socket) => {
    guests.add(socket);
    // A guest that leaves, or is turned away, ends its own connection only.
    socket.on("error", () => socket.destroy()).on("close", () => guests.delete(socket));
    receive(socket, options).catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const guest of guests) guest.destroy();
      await closed;
    },
  };
}

async function receive(socket: Socket, options: FrontOptions): Promise<void> {
  let guest: Duplex = socket;
  let start = await readBlock(guest);
  if (start.readInt32BE(0) === SSL_REQUEST) {
    const { identity } = options;
    guest.write(identity ? "S" : "N");
    if (identity) {
      guest = new TLSSocket(socket, { isServer: true, cert: identity.certificate, key: identity.key });
      guest.on("error", () => socket.destroy());
    }
    start = await readBlock(guest);
  }
  if (start.readInt32BE(0) === CANCEL_REQUEST) {
    const courier = connect(options.server.port, options.server.host);
    courier.on("close", () => socket.destroy()).end(Buffer.concat([int32(16), start]));
    return;
  }
  const words = start.toString("utf8", 4).split("\0");
  const word = (name: string) => words[words.indexOf(name) + 1] ?? "";
  const wanted = { user: word("user"), database: word("database"), application: word("application_name") };
  if (options.admit !== undefined) {
    guest.write(frontendMessage("R", int32(3)));
    await read(guest, 1);
    const password = (await readBlock(guest)).toString("utf8").replace(/\0$/, "");
    if (!options.admit(password, wanted.user)) {
      guest.end(frontendMessage("E", "SFATAL\0C28P01\0Mpassword authentication failed\0\0"));
      return;
    }
  }
  await (options.join ?? ((one, of) => joinAlone(one, of, options)))(guest, wanted);
}

/** A session of the server's for this guest alone. */
async function joinAlone(guest: Duplex, start: Start, options: FrontOptions): Promise<void> {
  const wire = await openWire({ ...options.server, database: start.database }, start.application);
  greet(guest, wire, options);
  const end = () => {
    guest.destroy();
    wire.socket.destroy();
  };
  const { rewrite } = options;
  const told = rewrite ? wire.socket.pipe(rewriting(rewrite)) : wire.socket;
  guest.on("close", end).on("error", end).pipe(wire.socket);
  wire.socket.on("close", end).on("error", end);
  told.pipe(guest);
}

const rewriting = (rewrite: (bytes: Buffer) => Buffer) =>
  new Transform({ transform: (bytes: Buffer, _, done) => done(null, rewrite(bytes)) });

/** AuthenticationOk, the parameters, the key by which to cancel, ReadyForQuery. */
export function greet(
  guest: Duplex,
  wire: Wire,
  { parameters = {}, announcedPid = wire.pid }: Pick<FrontOptions, "parameters" | "announcedPid">,
): void {
  guest.write(
    Buffer.concat([
      frontendMessage("R", int32(0)),
      ...Object.entries({ ...wire.parameters, ...parameters }).map(([name, value]) =>
        frontendMessage("S", `${name}\0${value}\0`),
      ),
      frontendMessage("K", Buffer.concat([int32(announcedPid), int32(0)])),
      frontendMessage("Z", "I"),
    ]),
  );
}

/** A length, which counts itself, and what it is the length of. */
async function readBlock(guest: Duplex): Promise<Buffer> {
  const length = (await read(guest, 4)).readInt32BE(0);
  return read(guest, length - 4);
}

async function read(guest: Duplex, length: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = guest.read(length);
    if (bytes !== null && bytes.length === length) return bytes;
    if (bytes !== null || guest.readableEnded || guest.destroyed) throw new Error("the guest left");
    await once(guest, "readable");
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A server as it is, but for its version: in what it reports at the start, and where it is asked for the number. */
export function startNewerServer(server: DatabaseAddress, major: number): Promise<Front> {
  return startFront({
    server,
    parameters: { server_version: `${major}.0` },
    rewrite: (bytes) =>
      Buffer.from(bytes.toString("latin1").replaceAll(/\b1[678]00(\d\d)\b/g, `${major}00$1`), "latin1"),
  });
}
