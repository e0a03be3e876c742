/** JSON as Postgres shows a jsonb: computed here, so that what it holds can be held against what it was given. */

type JsonbResult = { text: string } | { problem: string };

/** Levels that Postgres's own parser is sure to take. */
const DEEPEST = 1_000;

/**
 * The text of the jsonb that this JSON makes: keys by length and then by bytes, of equal keys the last, numbers in digits as
 * numeric shows them. A problem, in words, for what is no JSON or what jsonb cannot hold.
 */
export function jsonbText(source: string): JsonbResult {
  try {
    const reader = new Reader(source);
    const text = reader.value(0);
    reader.end();
    return { text };
  } catch (error) {
    if (error instanceof Unfit) return { problem: error.message };
    throw error;
  }
}

class Unfit extends Error {}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;

class Reader {
  #at = 0;
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  value(depth: number): string {
    if (depth > DEEPEST) throw new Unfit(`JSON of more than ${DEEPEST} levels`);
    this.#space();
    const next = this.#source[this.#at];
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    if (next === '"') return shown(this.#string());
    for (const word of ["true", "false", "null"]) if (this.#take(word)) return word;
    NUMBER.lastIndex = this.#at;
    const [number] = NUMBER.exec(this.#source) ?? [];
    if (number === undefined) throw new Unfit(`text that is no JSON, from its character ${this.#at + 1} on`);
    this.#at += number.length;
    return numericText(number);
  }

  end(): void {
    this.#space();
    if (this.#at < this.#source.length)
      throw new Unfit(`text that is no JSON, from its character ${this.#at + 1} on`);
  }

  #object(depth: number): string {
    const members = new Map<string, string>();
    this.#at++;
    this.#space();
    if (this.#take("}")) return "{}";
    do {
      this.#space();
      const key = this.#string();
      this.#space();
      this.#expect(":");
      members.set(key, this.value(depth + 1));
      this.#space();
    } while (this.#take(","));
    this.#expect("}");
    const sorted = [...members]
      .map(([key, value]) => ({ key, bytes: Buffer.from(key), value }))
      .sort((one, other) => one.bytes.length - other.bytes.length || one.bytes.compare(other.bytes));
    return `{${sorted.map(({ key, value }) => `${shown(key)}: ${value}`).join(", ")}}`;
  }

  #array(depth: number): string {
    const items: string[] = [];
    this.#at++;
    this.#space();
    if (this.#take("]")) return "[]";
    do {
      items.push(this.value(depth + 1));
      this.#space();
    } while (this.#take(","));
    this.#expect("]");
    return `[${items.join(", ")}]`;
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    const [whole] = STRING.exec(this.#source) ?? [];
    if (whole === undefined) throw new Unfit(`text that is no JSON, from its character ${this.#at + 1} on`);
    this.#at += whole.length;
    const text: string = JSON.parse(whole);
    if (text.includes("\0")) throw new Unfit("JSON with a NUL in a text, which jsonb does not hold");
    if (!text.isWellFormed())
      throw new Unfit("JSON with half a pair of surrogates, which jsonb does not hold");
    return text;
  }

  #space(): void {
    while (/[ \t\n\r]/.test(this.#source[this.#at] ?? "x")) this.#at++;
  }

  #take(word: string): boolean {
    if (!this.#source.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw new Unfit(`text that is no JSON, from its character ${this.#at + 1} on`);
  }
}

/** A text as `escape_json` writes it: what is below a space in escapes, everything else as it is. */
function shown(text: string): string {
  return `"${text.replaceAll(/["\\]|[^\P{Cc}\u007f-\u009f]/gu, (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Digits that numeric keeps in front of the point and behind it. */
const [WHOLE, BEHIND] = [131_072, 16_383];

/** A JSON number as numeric shows it: without an exponent, with as many digits behind the point as were written. */
function numericText(number: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const shift = Number(exponent);
  if (Math.abs(shift) > WHOLE) throw new Unfit("JSON with a number that numeric does not hold");
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point > 0 ? digits.padEnd(point, "0") : "0".repeat(1 - point) + digits;
  const at = point > 0 ? point : 1;
  const before = padded.slice(0, at).replace(/^0+(?=\d)/, "");
  const behind = padded.slice(at);
  if (before.length > WHOLE || behind.length > BEHIND)
    throw new Unfit("JSON with a number that numeric does not hold");
  const text = behind === "" ? before : `${before}.${behind}`;
  return sign === "-" && /[1-9]/.test(text) ? `-${text}` : text;
}
