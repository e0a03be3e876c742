/** Keys in the order S3 lists them: by the bytes of their UTF-8, which is not the order of JavaScript's strings. */

/** Compares by code point, so that it equals a comparison of UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Values by key, walked in order from any point. */
export class OrderedKeys<V> {
  readonly #values = new Map<string, V>();
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#position(key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#position(key), 1);
  }

  /** From the first key at or behind `from`. */
  *from(from: string): Generator<readonly [key: string, value: V]> {
    for (let index = this.#position(from); index < this.#keys.length; index++) {
      const key = this.#keys[index];
      const value = key === undefined ? undefined : this.#values.get(key);
      if (key !== undefined && value !== undefined) yield [key, value];
    }
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] ?? "", key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
