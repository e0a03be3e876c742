/** Takes the `aws-chunked` wrapping off a body, so that what is stored is the object and not its transport. */
import { S3Failure } from "./failure.ts";

const LINE_LIMIT = 8_192;
const CRLF = Buffer.from("\r\n");

export interface Unwrapped {
  body: AsyncIterable<Buffer>;
  /** Lower-case names; filled when the body has been read to its end. */
  trailers: Map<string, string>;
}

/**
 * Each chunk is `hex length[;extension] CRLF bytes CRLF`; the last is empty and followed by `name:value CRLF` trailers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function unwrapAwsChunked(source: AsyncIterable<Buffer>): Unwrapped {
  const trailers = new Map<string, string>();
  return { body: unwrap(new Pull(source), trailers), trailers };
}

async function* unwrap(pull: Pull, trailers: Map<string, string>): AsyncGenerator<Buffer> {
  for (;;) {
    const [length = ""] = (await pull.line()).split(";");
    if (!/^[0-9a-fA-F]{1,12}$/.test(length)) throw malformed("a chunk does not begin with its length");
    const size = Number.parseInt(length, 16);
    if (size === 0) break;
    yield* pull.bytes(size);
    if ((await pull.line()) !== "") throw malformed("a chunk is longer than it says");
  }
  for (;;) {
    const line = await pull.lineOrEnd();
    if (line === undefined) return;
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw malformed("a trailer has no name");
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function malformed(what: string): S3Failure {
  return new S3Failure("InvalidRequest", `The aws-chunked body is malformed: ${what}.`);
}

/** Reads a stream by lines and by lengths; holds one received buffer at a time. */
class Pull {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (this.#held.length === 0 && !(await this.#more())) throw new S3Failure("IncompleteBody");
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line === undefined) throw new S3Failure("IncompleteBody");
    return line;
  }

  async lineOrEnd(): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(CRLF);
      if (end >= 0) {
        const line = this.#held.toString("latin1", 0, end);
        this.#held = this.#held.subarray(end + CRLF.length);
        return line;
      }
      if (this.#held.length > LINE_LIMIT) throw malformed("a line is too long");
      if (!(await this.#more())) {
        if (this.#held.length > 0) throw new S3Failure("IncompleteBody");
        return undefined;
      }
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }
}
