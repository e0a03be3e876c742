/**
 * What pg_dump says to its server, message by message: the start is answered here, because the connection is already
 * authenticated, and so are the questions whose answers are data, because the data is copied elsewhere and in parallel.
 */
import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../../../core/digest.ts";
import { frontendMessage } from "../backend-messages.ts";

/** What becomes of one message: sent on to the server, answered here, or dropped. */
interface Frontend {
  /** The messages to send to the server, in order. */
  forward: Uint8Array<ArrayBuffer>[];
  /** Bytes to hand back to pg_dump as if the server had sent them. */
  answer: Buffer[];
  /** It is not who was waited for: after the answer the connection is to be closed. */
  stranger: boolean;
}

// "SSL Session Encryption" and "GSSAPI Session Encryption" of the protocol's documentation.
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const PROTOCOL_3_0 = 3 << 16;

// The large-object functions have fixed oids (pg_proc.dat); libpq calls them by FunctionCall.
const LO_OPEN = 952;
const LO_CLOSE = 953;
const LO_READ = 954;

interface FrontendOptions {
  /** Reported to pg_dump as ParameterStatus. */
  parameters: Record<string, string>;
  /** Answer COPY … TO stdout with no rows and large objects with no bytes; the COPY statements are told to `onCopy`. */
  withoutData: boolean;
  /** What it has to say before anything else, where others could connect in its place. */
  password?: string;
  onCopy(statement: string): void;
}

/** Gathers pg_dump's bytes into messages and decides what becomes of each. */
export class PgDumpFrontend {
  #bytes: Buffer = Buffer.alloc(0);
  #started = false;
  #known: boolean;
  #options: FrontendOptions;

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.#known = options.password === undefined;
  }

  /** True once it has said the password, where one is wanted. */
  get known(): boolean {
    return this.#known;
  }

  take(bytes: Uint8Array): Frontend {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const result: Frontend = { forward: [], answer: [], stranger: false };
    for (let message = this.#next(); message !== undefined && !result.stranger; message = this.#next())
      this.#decide(message, result);
    return result;
  }

  /** The next whole message; those before the start have no type byte. */
  #next(): Buffer | undefined {
    const header = this.#started ? 5 : 4;
    if (this.#bytes.length < header) return undefined;
    const length = this.#bytes.readInt32BE(header - 4) + header - 4;
    if (this.#bytes.length < length) return undefined;
    const message = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return message;
  }

  #decide(message: Buffer, result: Frontend): void {
    const { forward, answer } = result;
    if (!this.#started) {
      const code = message.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) {
        answer.push(Buffer.from("N"));
        return;
      }
      this.#started = true;
      if (code > PROTOCOL_3_0) answer.push(olderProtocol(message));
      answer.push(this.#known ? greeting(this.#options.parameters) : ASK_PASSWORD);
      return;
    }
    const type = String.fromCharCode(message.readUInt8(0));
    if (!this.#known) {
      const said = type === "p" ? message.toString("utf8", 5, message.length - 1) : "";
      this.#known = equal(said, this.#options.password ?? "");
      result.stranger = !this.#known;
      answer.push(this.#known ? greeting(this.#options.parameters) : WRONG_PASSWORD);
      return;
    }
    // Terminate: the connection is ours, and its locks are wanted until the data is copied.
    if (type === "X") return;
    if (this.#options.withoutData) {
      const statement = type === "Q" ? message.toString("utf8", 5, message.length - 1) : "";
      if (/^COPY .* TO stdout;$/is.test(statement)) {
        this.#options.onCopy(statement);
        answer.push(EMPTY_COPY);
        return;
      }
      const emptyLargeObject = type === "F" ? EMPTY_LARGE_OBJECT.get(message.readInt32BE(5)) : undefined;
      if (emptyLargeObject !== undefined) {
        answer.push(emptyLargeObject);
        return;
      }
    }
    forward.push(new Uint8Array(message));
  }
}

/** In a time that tells nothing of what was said. */
function equal(said: string, wanted: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(said)), Buffer.from(sha256(wanted)));
}

/** NegotiateProtocolVersion: 3.0 is what we speak, and of the protocol's own options we know none. */
function olderProtocol(start: Buffer): Buffer {
  const words = start.toString("latin1", 8).split("\0");
  const unknown = words.filter((word, place) => place % 2 === 0 && word.startsWith("_pq_."));
  return frontendMessage(
    "v",
    Buffer.concat([
      ...[int32(PROTOCOL_3_0), int32(unknown.length)],
      ...unknown.map((name) => Buffer.from(`${name}\0`, "latin1")),
    ]),
  );
}

/** AuthenticationOk, what the server told at the real start, and ReadyForQuery. */
function greeting(parameters: Record<string, string>): Buffer {
  return Buffer.concat([
    frontendMessage("R", int32(0)),
    ...Object.entries(parameters).map(([name, value]) => frontendMessage("S", `${name}\0${value}\0`)),
    frontendMessage("K", Buffer.concat([int32(0), int32(0)])),
    frontendMessage("Z", "I"),
  ]);
}

/** AuthenticationCleartextPassword: it does not leave the machine. */
const ASK_PASSWORD = frontendMessage("R", int32(3));

const WRONG_PASSWORD = frontendMessage("E", "SFATAL\0C28P01\0Mthis is not for you\0\0");

/** CopyOutResponse in text without columns, CopyDone, CommandComplete, and ReadyForQuery inside a transaction. */
const EMPTY_COPY = Buffer.concat([
  frontendMessage("H", Buffer.from([0, 0, 0])),
  frontendMessage("c"),
  frontendMessage("C", "COPY 0\0"),
  frontendMessage("Z", "T"),
]);

/** FunctionCallResponse (the length of the result, the result) for a large object that opens, holds nothing and closes. */
const EMPTY_LARGE_OBJECT = new Map([
  [LO_OPEN, functionResult(int32(0))],
  [LO_READ, functionResult(Buffer.alloc(0))],
  [LO_CLOSE, functionResult(int32(0))],
]);

function functionResult(value: Buffer): Buffer {
  return Buffer.concat([
    frontendMessage("V", Buffer.concat([int32(value.length), value])),
    frontendMessage("Z", "T"),
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
