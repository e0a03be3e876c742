/** Values of numeric: texts of digits, as Postgres keeps and orders them. */

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/** Digits that numeric keeps in front of the point and behind it. */
const [MOST_WHOLE, MOST_BEHIND] = [131_072, 16_383];

/**
 * The number as Postgres keeps it in a numeric of so many digits, of which `scale` stand behind the point; a text tells why it
 * does not. More digits behind the point than there is room for are rounded away from zero, as it does.
 */
export function normalDecimal(
  given: string,
  { precision, scale = 0 }: { precision?: number; scale?: number },
): { text: string } | { problem: string } {
  if (given === "NaN") return { text: given };
  if (given === "Infinity" || given === "-Infinity")
    return precision === undefined ? { text: given } : { problem: "it is infinite" };
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = DECIMAL.exec(given) ?? [];
  if (whole === "" && fraction === "") return { problem: "it is no number" };
  const behind = fraction.length - Number(exponent);
  if (whole.length - fraction.length + behind > MOST_WHOLE || behind > MOST_BEHIND || behind < -MOST_WHOLE)
    return { problem: "it is a number that numeric does not hold" };
  let digits = BigInt(whole + fraction);
  let kept = behind;
  if (precision !== undefined && behind > scale) {
    const by = 10n ** BigInt(behind - scale);
    digits = digits / by + ((digits % by) * 2n >= by ? 1n : 0n);
    kept = scale;
  }
  // A negative scale, and an exponent, are zeros in front of the point.
  if (kept < 0) digits *= 10n ** BigInt(-kept);
  kept = Math.max(kept, 0);
  if (precision !== undefined && scale > kept) {
    digits *= 10n ** BigInt(scale - kept);
    kept = scale;
  }
  if (precision !== undefined && digits >= 10n ** BigInt(precision - scale + kept))
    return { problem: `it has more digits than numeric(${precision},${scale}) holds` };
  const text = String(digits).padStart(kept + 1, "0");
  const shown = kept === 0 ? text : `${text.slice(0, -kept)}.${text.slice(-kept)}`;
  return { text: sign === "-" && digits !== 0n ? `-${shown}` : shown };
}

/** By value; NaN behind everything, as Postgres has it. */
export function compareDecimals(one: string, other: string): number {
  const [a, b] = [placeOf(one), placeOf(other)];
  if (a !== b || a !== 0) return a - b;
  const negative = one.startsWith("-");
  if (negative !== other.startsWith("-")) return negative ? -1 : 1;
  const order = compareSizes(one.replace("-", ""), other.replace("-", ""));
  return negative ? -order : order;
}

/** The same text for equal numbers: without zeros that say nothing. */
export function plainDecimal(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Where the values stand that are no numbers. */
function placeOf(text: string): number {
  if (text === "NaN") return 2;
  return text === "Infinity" ? 1 : text === "-Infinity" ? -1 : 0;
}

function compareSizes(one: string, other: string): number {
  const [whole = "", behind = ""] = one.split(".");
  const [otherWhole = "", otherBehind = ""] = other.split(".");
  if (whole.length !== otherWhole.length) return whole.length - otherWhole.length;
  const length = Math.max(behind.length, otherBehind.length);
  const [a, b] = [whole + behind.padEnd(length, "0"), otherWhole + otherBehind.padEnd(length, "0")];
  return a < b ? -1 : a > b ? 1 : 0;
}
