/** JSON whose numbers stay what was written: a legal record's 2^63 is none of JavaScript's, and must not become its neighbour. */

/** The value, whose numbers `numberText` tells as they were written and JSON.stringify writes so; undefined when it is nested too deeply. Throws a SyntaxError on what is no JSON. */
export function parseExact(text: string): { json: unknown } | undefined {
  try {
    return {
      json: EXACT.parse(text, (_name, value, { source }) =>
        typeof value === "number" && source !== undefined ? EXACT.rawJSON(source) : value,
      ),
    };
  } catch (error) {
    // The stack of whoever walks it.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The digits of an exact number, or undefined for any other value. */
export function numberText(value: unknown): string | undefined {
  return EXACT.isRawJSON(value) ? (value as { rawJSON: string }).rawJSON : undefined;
}

/** An exact number as the nearest that JavaScript has; undefined for any other value. */
export function numberOf(value: unknown): number | undefined {
  const text = numberText(value);
  return text === undefined ? undefined : Number(text);
}

/** What Node 24 has of ECMAScript's "JSON.parse source text access", and TypeScript does not name yet. */
interface ExactJson {
  parse(text: string, revive: (name: string, value: unknown, from: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}

const EXACT = JSON as unknown as ExactJson;
