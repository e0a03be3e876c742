/** Which keys were seen, of any number of rows in a bound amount of memory: sixty-four bits of each key's hash, a part of all keys at a time. */
import { hash } from "node:crypto";

/** The keys of one constraint: those whose hash falls into the part that is being looked at. */
export class KeySet {
  #slots: Uint32Array;
  #mask: number;
  #size = 0;

  /** Room for about so many keys; it grows when there are more. */
  constructor(expected: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.5)));
    this.#slots = new Uint32Array(slots * 2);
    this.#mask = slots - 1;
  }

  /** True when it was not there. */
  add(key: KeyHash): boolean {
    const place = this.#find(key);
    if (!this.#isFree(place)) return false;
    this.#put(place, key);
    this.#size++;
    if (this.#size > this.#mask * 0.75) this.#grow();
    return true;
  }

  has(key: KeyHash): boolean {
    return !this.#isFree(this.#find(key));
  }

  #find({ low, high }: KeyHash): number {
    let place = (low ^ (high >>> 7)) & this.#mask;
    while (!this.#isFree(place) && (this.#slots[place * 2] !== low || this.#slots[place * 2 + 1] !== high))
      place = (place + 1) & this.#mask;
    return place;
  }

  #isFree(place: number): boolean {
    return this.#slots[place * 2] === 0 && this.#slots[place * 2 + 1] === 0;
  }

  #put(place: number, { low, high }: KeyHash): void {
    this.#slots[place * 2] = low;
    this.#slots[place * 2 + 1] = high;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length / 2 - 1;
    for (let at = 0; at < old.length; at += 2) {
      const key = { low: old[at] ?? 0, high: old[at + 1] ?? 0 };
      if (key.low !== 0 || key.high !== 0) this.#put(this.#find(key), key);
    }
  }
}

/** Sixty-four bits, never all of them zero. */
export interface KeyHash {
  low: number;
  high: number;
}

/** Of any text; two texts share one once in 2^64. */
export function keyHash(text: string): KeyHash {
  const digest = hash("sha256", text, "buffer");
  const [low, high] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
  return low === 0 && high === 0 ? { low: 1, high: 0 } : { low, high };
}

/** Bytes that a key takes, with the room that a set keeps free. */
export const KEY_BYTES = 16;

/** Which of so many parts a key belongs to, each looked at in a pass of its own. */
export function partOf({ high }: KeyHash, parts: number): number {
  return high % parts;
}
