/** The bytes that a COPY sends, in pieces worth handing on. */

/** A server sends a few rows at a time; what takes the bytes, a compressor above all, has a cost for each piece it is given. */
const BATCH = 512 * 1024;

/** Gathers pieces into larger ones, each of its own memory, or in turns in the same two. */
export class CopyBatch {
  #reuse: boolean;
  #bytes: Buffer = Buffer.alloc(0);
  #last: Buffer = Buffer.alloc(0);
  #filled = 0;

  constructor(reuse: boolean) {
    this.#reuse = reuse;
  }

  /** Takes the piece, which may be changed afterwards, and gives what became full. */
  *add(piece: Buffer): Generator<Buffer> {
    for (let taken = 0; taken < piece.length; ) {
      if (this.#filled === 0) this.#turn();
      const length = piece.copy(this.#bytes, this.#filled, taken);
      taken += length;
      this.#filled += length;
      if (this.#filled === BATCH) yield* this.rest();
    }
  }

  /** What has been gathered so far. */
  *rest(): Generator<Buffer> {
    if (this.#filled === 0) return;
    const full = this.#bytes.subarray(0, this.#filled);
    this.#filled = 0;
    yield full;
  }

  #turn(): void {
    const fresh = this.#reuse && this.#last.length > 0 ? this.#last : Buffer.allocUnsafeSlow(BATCH);
    this.#last = this.#bytes;
    this.#bytes = fresh;
  }
}
