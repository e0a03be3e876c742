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

/** Of the slots so many are taken at most, and by so much they are more behind growing. */
const FULL = 0.8;
const GROWTH = 1.5;

/** Bytes that a key takes without a number, at most: right behind growing. While it grows both tables are there. */
export const KEY_BYTES = 16;

/** A number for each key, zero for those that have none; or only the keys, in two thirds of the memory. */
export class KeyNumbers {
  #slots: number;
  #keys: Uint32Array;
  #numbers: Uint32Array | undefined;
  #size = 0;

  /** Room for so many keys; it grows when there are more. */
  constructor({ expected = 0, numbers = true } = {}) {
    this.#slots = Math.max(16, Math.ceil(expected / FULL) + 1);
    this.#keys = new Uint32Array(this.#slots * 2);
    this.#numbers = numbers ? new Uint32Array(this.#slots) : undefined;
  }

  get(key: KeyHash): number {
    return this.#numbers?.[this.#find(key)] ?? 0;
  }

  set(key: KeyHash, number: number): void {
    this.add(key);
    if (this.#numbers !== undefined) this.#numbers[this.#find(key)] = number;
  }

  /** True when the key was not there. */
  add(key: KeyHash): boolean {
    if (this.has(key)) return false;
    if (this.#size + 1 > this.#slots * FULL) this.#grow();
    this.#enter(key);
    return true;
  }

  has(key: KeyHash): boolean {
    return !this.#isFree(this.#find(key));
  }

  *keys(): Generator<KeyHash> {
    for (let slot = 0; slot < this.#slots; slot++)
      if (!this.#isFree(slot)) yield { low: this.#keys[slot * 2] ?? 0, high: this.#keys[slot * 2 + 1] ?? 0 };
  }

  #find({ low, high }: KeyHash): number {
    let slot = ((low ^ (high >>> 7)) >>> 0) % this.#slots;
    while (!this.#isFree(slot) && (this.#keys[slot * 2] !== low || this.#keys[slot * 2 + 1] !== high))
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    return slot;
  }

  #isFree(slot: number): boolean {
    return this.#keys[slot * 2] === 0 && this.#keys[slot * 2 + 1] === 0;
  }

  #enter(key: KeyHash): number {
    const slot = this.#find(key);
    this.#keys[slot * 2] = key.low;
    this.#keys[slot * 2 + 1] = key.high;
    this.#size++;
    return slot;
  }

  #grow(): void {
    const [keys, numbers] = [this.#keys, this.#numbers];
    this.#slots = Math.ceil(this.#slots * GROWTH);
    this.#keys = new Uint32Array(this.#slots * 2);
    this.#numbers = numbers && new Uint32Array(this.#slots);
    this.#size = 0;
    for (let at = 0; at < keys.length; at += 2) {
      const key = { low: keys[at] ?? 0, high: keys[at + 1] ?? 0 };
      if (key.low === 0 && key.high === 0) continue;
      const slot = this.#enter(key);
      if (this.#numbers !== undefined) this.#numbers[slot] = numbers?.[at / 2] ?? 0;
    }
  }
}
