/**
 * The server's side of the wire protocol, cut into messages as the bytes arrive.
 * Follows "Message Formats" of the Postgres documentation (protocol 3.0): one byte of type, four of length, a body.
 */

export interface BackendMessage {
  /** The type byte as a letter: `C` CommandComplete, `E` ErrorResponse, `G` CopyInResponse, `Z` ReadyForQuery … */
  type: string;
  body: Buffer;
}

const COPY_DATA = 0x64;
const HEADER = 5;

/** Takes the stream in pieces of any size. Bodies of CopyData are moved together at the front of the very piece they came in, so a COPY of any size is never gathered nor copied twice. */
export class BackendMessages {
  #header = Buffer.alloc(HEADER);
  #headerFilled = 0;
  #type = 0;
  /** Bytes of the current body still to come. */
  #missing = 0;
  #pieces: Buffer[] = [];

  /** What the piece completed: the COPY bytes in it (a view into the piece, valid as long as the piece is), and every other message. */
  take(piece: Buffer): { copyData: Buffer; messages: BackendMessage[] } {
    const messages: BackendMessage[] = [];
    let read = 0;
    let kept = 0;
    while (read < piece.length) {
      if (this.#missing === 0) {
        read += this.#takeHeader(piece, read);
        if (this.#headerFilled < HEADER) break;
        this.#headerFilled = 0;
        if (this.#type !== COPY_DATA && this.#missing === 0) messages.push(this.#finish());
        continue;
      }
      const length = Math.min(this.#missing, piece.length - read);
      if (this.#type === COPY_DATA) {
        if (kept !== read) piece.copyWithin(kept, read, read + length);
        kept += length;
      } else {
        this.#pieces.push(Buffer.from(piece.subarray(read, read + length)));
      }
      read += length;
      this.#missing -= length;
      if (this.#missing === 0 && this.#type !== COPY_DATA) messages.push(this.#finish());
    }
    return { copyData: piece.subarray(0, kept), messages };
  }

  #takeHeader(piece: Buffer, from: number): number {
    // Nearly every header lies whole in the piece; a COPY has one per row.
    if (this.#headerFilled === 0 && piece.length - from >= HEADER) {
      this.#headerFilled = HEADER;
      this.#type = piece.readUInt8(from);
      this.#missing = bodyLength(piece.readInt32BE(from + 1));
      return HEADER;
    }
    const length = Math.min(HEADER - this.#headerFilled, piece.length - from);
    piece.copy(this.#header, this.#headerFilled, from, from + length);
    this.#headerFilled += length;
    if (this.#headerFilled === HEADER) {
      this.#type = this.#header.readUInt8(0);
      this.#missing = bodyLength(this.#header.readInt32BE(1));
    }
    return length;
  }

  #finish(): BackendMessage {
    const body =
      this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    return { type: String.fromCharCode(this.#type), body };
  }
}

/** The length counts itself; less than four is not the protocol, and must not become an endless body. */
function bodyLength(length: number): number {
  return Math.max(0, length - 4);
}

/** The fields of an ErrorResponse by their letter ("Error and Notice Message Fields"): S severity, C SQLSTATE, M message … */
export function errorFields(body: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    fields[String.fromCharCode(body.readUInt8(at))] = body.toString("utf8", at + 1, end);
    at = end + 1;
  }
  return fields;
}

/** A frontend message: type, length, body. */
export function frontendMessage(type: string, body: Uint8Array | string = ""): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const message = Buffer.allocUnsafe(HEADER + bytes.length);
  message.write(type, 0, "latin1");
  message.writeInt32BE(bytes.length + 4, 1);
  message.set(bytes, HEADER);
  return message;
}
