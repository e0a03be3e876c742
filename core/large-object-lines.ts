/** Reads the COPY text that a backup keeps large objects in (io/postgres/large-objects.ts): a line per piece, `oid <tab> offset <tab> bytea`. */
import { RehearsalError } from "./errors.ts";

export interface LargeObjectPiece {
  oid: number;
  /** Where in the large object the bytes belong. */
  offset: number;
  bytes: Uint8Array;
}

const LINE_FEED = 10;
/** COPY doubles the backslash of bytea's `\x`. */
const LINE = /^(\d{1,10})\t(\d{1,15})\t\\\\x$/;
/** A piece of 256 KiB takes twice that in digits, and little besides. */
const LONGEST_LINE = 1024 ** 2;

/** Takes the text of one stored object in pieces as they come; throws `BackupCorrupt`, with the object's key, when it is no such text. */
export class LargeObjectLines {
  #key: string;
  /** The beginning of a line whose end has not come yet. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  constructor(key: string) {
    this.#key = key;
  }

  *take(text: Uint8Array): Generator<LargeObjectPiece> {
    let from = 0;
    for (let end = text.indexOf(LINE_FEED); end !== -1; end = text.indexOf(LINE_FEED, from)) {
      const line = this.#complete(text.subarray(from, end));
      from = end + 1;
      yield this.#parse(line);
    }
    this.#keep(text.subarray(from));
  }

  /** To be called when no more text comes. */
  end(): void {
    if (this.#begunBytes > 0) throw this.#corrupt("its last line is cut short");
  }

  #complete(rest: Uint8Array): Buffer {
    this.#keep(rest);
    const line = Buffer.concat(this.#begun);
    this.#begun = [];
    this.#begunBytes = 0;
    return line;
  }

  #keep(part: Uint8Array): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes > LONGEST_LINE)
      throw this.#corrupt(`a line of it is longer than ${LONGEST_LINE} bytes`);
    this.#begun.push(part);
  }

  #parse(line: Buffer): LargeObjectPiece {
    const digits = line.indexOf("x") + 1;
    const [, oid, offset] = LINE.exec(line.toString("latin1", 0, digits)) ?? [];
    const bytes = Buffer.from(line.toString("latin1", digits), "hex");
    // Buffer.from stops in silence at what is no digit.
    if (oid === undefined || offset === undefined || bytes.length * 2 !== line.length - digits)
      throw this.#corrupt("a line of it is no piece of a large object");
    return { oid: Number(oid), offset: Number(offset), bytes };
  }

  #corrupt(reason: string): RehearsalError {
    return new RehearsalError("BackupCorrupt", { object: this.#key, reason });
  }
}
