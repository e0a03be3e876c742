/** Keys by the thousand million bits: sixty-four bits of each key's hash, in a table of numbers, for a key as text takes ten times as much. */
import { hash } from "node:crypto";

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

/** A number for each key, zero for those that have none. Bytes a key: at most 32, right behind growing. */
export class KeyNumbers {
  #keys: Uint32Array;
  #numbers: Uint32Array;
  #mask: number;
  #size = 0;

  /** Room for about so many keys; it grows when there are more. */
  constructor(expected = 0) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.5)));
    this.#keys = new Uint32Array(slots * 2);
    this.#numbers = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  get(key: KeyHash): number {
    return this.#numbers[this.#find(key)] ?? 0;
  }

  set(key: KeyHash, number: number): void {
    const place = this.#find(key);
    if (this.#isFree(place)) {
      this.#keys[place * 2] = key.low;
      this.#keys[place * 2 + 1] = key.high;
      this.#size++;
    }
    this.#numbers[place] = number;
    if (this.#size > this.#mask * 0.75) this.#grow();
  }

  /** Sets the number; true when the key was not there. */
  add(key: KeyHash, number = 1): boolean {
    if (!this.#isFree(this.#find(key))) return false;
    this.set(key, number);
    return true;
  }

  has(key: KeyHash): boolean {
    return !this.#isFree(this.#find(key));
  }

  *keys(): Generator<KeyHash> {
    for (let at = 0; at < this.#keys.length; at += 2)
      if (!this.#isFree(at / 2)) yield { low: this.#keys[at] ?? 0, high: this.#keys[at + 1] ?? 0 };
  }

  #find({ low, high }: KeyHash): number {
    let place = (low ^ (high >>> 7)) & this.#mask;
    while (!this.#isFree(place) && (this.#keys[place * 2] !== low || this.#keys[place * 2 + 1] !== high))
      place = (place + 1) & this.#mask;
    return place;
  }

  #isFree(place: number): boolean {
    return this.#keys[place * 2] === 0 && this.#keys[place * 2 + 1] === 0;
  }

  #grow(): void {
    const [keys, numbers] = [this.#keys, this.#numbers];
    this.#keys = new Uint32Array(keys.length * 2);
    this.#numbers = new Uint32Array(numbers.length * 2);
    this.#mask = this.#numbers.length - 1;
    this.#size = 0;
    for (let at = 0; at < numbers.length; at++) {
      const key = { low: keys[at * 2] ?? 0, high: keys[at * 2 + 1] ?? 0 };
      if (key.low !== 0 || key.high !== 0) this.set(key, numbers[at] ?? 0);
    }
  }
}
