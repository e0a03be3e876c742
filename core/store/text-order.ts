/** Texts in the order of their bytes in UTF-8: COLLATE "C" of Postgres. JavaScript's own order differs behind U+D7FF. */

/** Below zero, zero, above: as `sort` takes it. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const a = one.charCodeAt(at);
    const b = other.charCodeAt(at);
    if (a === b) continue;
    // Half of a pair stands for a character behind all others.
    if (a >= 0xd800 && b >= 0xd800 && isHalf(a) !== isHalf(b)) return isHalf(a) ? 1 : -1;
    return a - b;
  }
  return one.length - other.length;
}

const isHalf = (unit: number) => unit <= 0xdfff;
