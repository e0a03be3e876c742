/** What looks like chance in the generator: numbers that follow from a seed and a question, the same on every machine. */

export interface Draw {
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  /** One of them. */
  one<T>(of: readonly T[]): T;
  /** True `per` times in a thousand. */
  chance(perThousand: number): boolean;
}

/** A row of draws of its own for whatever is named; drawing more or less in one changes nothing in another. */
export function drawing(seed: number, ...about: (string | number)[]): Draw {
  let state = hash(`${seed}/${about.join("/")}`);
  // Mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 4_294_967_296) * limit);
  return {
    below,
    one: <T>(of: readonly T[]) => {
      const found = of[below(of.length)];
      if (found === undefined) throw new Error("there is nothing to draw from");
      return found;
    },
    chance: (perThousand) => below(1_000) < perThousand,
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
