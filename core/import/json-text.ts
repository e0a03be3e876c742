/**
 * JSON of unknown origin, read so that nothing of it changes on the way: numbers keep their digits, a key that stands twice is
 * refused, `__proto__` is a key like any other, and each part knows where in the text it stood.
 */

/** A number as it was written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class JsonObject {
  readonly members = new Map<string, JsonValue>();
  readonly start: number;
  end = 0;

  constructor(start: number) {
    this.start = start;
  }
}

export class JsonArray {
  readonly items: JsonValue[] = [];
  readonly start: number;
  end = 0;

  constructor(start: number) {
    this.start = start;
  }
}

export type JsonValue = string | boolean | null | JsonNumber | JsonObject | JsonArray;

export interface JsonDocument {
  /** Without the byte-order mark. */
  text: string;
  value: JsonValue;
}

/** What is wrong with a text, and where. */
export class JsonRefused extends Error {
  override readonly name = "JsonRefused";
  /** `line 3, column 7`, or `byte 17`. */
  readonly at: string;

  constructor(at: string, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** Reads bytes as one JSON document of at most so many levels; throws `JsonRefused`. */
export function readJson(bytes: Uint8Array, depth: number): JsonDocument {
  const text = decode(bytes);
  return { text, value: new Reader(text, depth).document() };
}

/** A value as JSON again; what is an object or an array is as it stood. */
export function writeJson({ text }: JsonDocument, value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof JsonObject || value instanceof JsonArray) return text.slice(value.start, value.end);
  return JSON.stringify(value);
}

const DECODER = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new JsonRefused(`byte ${firstNotUtf8(bytes)}`, "it is not text in UTF-8");
  }
}

/** The offset of the first byte that begins no character. */
function firstNotUtf8(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0) return at;
    const [low, high] = SECOND[lead] ?? [0x80, 0xbf];
    for (let index = 1; index < length; index++) {
      const next = bytes[at + index] ?? 0;
      if (next < (index === 1 ? low : 0x80) || next > (index === 1 ? high : 0xbf)) return at;
    }
    at += length;
  }
  return bytes.length;
}

/** Where the second byte has less room: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
const SECOND: Record<number, [low: number, high: number]> = {
  224: [0xa0, 0xbf],
  237: [0x80, 0x9f],
  240: [0x90, 0xbf],
  244: [0x80, 0x8f],
};

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PLAIN = /(?:[^"\\\p{Cc}]|[\x7f-\x9f])+/uy;
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Digits of a number: Postgres keeps 131,072 before the point, and nobody means that. */
const DIGITS = 1_000;

class Reader {
  readonly #text: string;
  readonly #depth: number;
  #at = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  document(): JsonValue {
    const value = this.#value(1);
    this.#space();
    if (this.#at < this.#text.length) throw this.#wrong("something stands behind its end");
    return value;
  }

  #value(level: number): JsonValue {
    this.#space();
    const letter = this.#text.charCodeAt(this.#at);
    if (letter === 0x22) return this.#string();
    if (letter === 0x7b || letter === 0x5b) {
      // Asked before going deeper, so that the deepest text is refused at this level and not by the stack.
      if (level > this.#depth) throw this.#wrong(`it has more than ${this.#depth} levels`);
      return letter === 0x7b ? this.#object(level) : this.#array(level);
    }
    if (letter === 0x2d || (letter >= 0x30 && letter <= 0x39)) return this.#number();
    for (const [word, value] of WORDS)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    throw this.#wrong(
      this.#at >= this.#text.length ? "it ends where a value should stand" : "no value begins here",
    );
  }

  #object(level: number): JsonObject {
    const object = new JsonObject(this.#at++);
    this.#space();
    if (this.#text.charCodeAt(this.#at) === 0x7d) {
      object.end = ++this.#at;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== 0x22) throw this.#wrong("a key in quotes should stand here");
      const begun = this.#at;
      const key = this.#string();
      if (object.members.has(key)) {
        this.#at = begun;
        throw this.#wrong(`the key ${JSON.stringify(key.slice(0, 100))} stands twice in one object`);
      }
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== 0x3a) throw this.#wrong("a colon should stand here");
      this.#at++;
      object.members.set(key, this.#value(level + 1));
      if (this.#goesOn(0x7d, "a comma or } should stand here")) continue;
      object.end = this.#at;
      return object;
    }
  }

  #array(level: number): JsonArray {
    const array = new JsonArray(this.#at++);
    this.#space();
    if (this.#text.charCodeAt(this.#at) === 0x5d) {
      array.end = ++this.#at;
      return array;
    }
    for (;;) {
      array.items.push(this.#value(level + 1));
      if (this.#goesOn(0x5d, "a comma or ] should stand here")) continue;
      array.end = this.#at;
      return array;
    }
  }

  /** Past a comma, or past the end. */
  #goesOn(closing: number, wanted: string): boolean {
    this.#space();
    const letter = this.#text.charCodeAt(this.#at);
    if (letter !== 0x2c && letter !== closing) throw this.#wrong(wanted);
    this.#at++;
    return letter === 0x2c;
  }

  #string(): string {
    const text = this.#text;
    const begun = ++this.#at;
    for (let at = begun; ; at++) {
      const letter = text.charCodeAt(at);
      if (letter === 0x22) {
        this.#at = at + 1;
        return text.slice(begun, at);
      }
      if (letter === 0x5c) {
        this.#at = at;
        return text.slice(begun, at) + this.#escaped();
      }
      if (!(letter >= 0x20)) {
        this.#at = Math.min(at, text.length);
        throw this.#wrong(
          at >= text.length ? "a text is not closed" : "a control character stands in a text",
        );
      }
    }
  }

  /** The rest of a text from its first escape on. */
  #escaped(): string {
    const text = this.#text;
    let whole = "";
    for (;;) {
      const letter = text[this.#at];
      if (letter === '"') {
        this.#at++;
        break;
      }
      if (letter === undefined) throw this.#wrong("a text is not closed");
      if (letter < " ") throw this.#wrong("a control character stands in a text");
      PLAIN.lastIndex = this.#at;
      const plainly = PLAIN.exec(text)?.[0];
      if (plainly !== undefined) {
        whole += plainly;
        this.#at += plainly.length;
        continue;
      }
      const kind = text[this.#at + 1] ?? "";
      const plain = ESCAPES[kind];
      if (plain !== undefined) {
        whole += plain;
        this.#at += 2;
        continue;
      }
      const hex = text.slice(this.#at + 2, this.#at + 6);
      if (kind !== "u" || !/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#wrong("it is no escape that JSON knows");
      if (hex === "0000") throw this.#wrong("it holds the character 0, which no database takes");
      whole += String.fromCharCode(Number.parseInt(hex, 16));
      this.#at += 6;
    }
    if (!whole.isWellFormed()) throw this.#wrong("half of a surrogate pair stands in a text");
    return whole;
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) throw this.#wrong("it is no number of JSON");
    if (found.length > DIGITS) throw this.#wrong(`a number has more than ${DIGITS} characters`);
    this.#at += found.length;
    return new JsonNumber(found);
  }

  #space(): void {
    for (;;) {
      const letter = this.#text.charCodeAt(this.#at);
      if (letter !== 0x20 && letter !== 0x0a && letter !== 0x0d && letter !== 0x09) return;
      this.#at++;
    }
  }

  #wrong(reason: string): JsonRefused {
    const before = this.#text.slice(0, this.#at);
    const line = before.split("\n").length;
    return new JsonRefused(`line ${line}, column ${this.#at - before.lastIndexOf("\n")}`, reason);
  }
}

const WORDS: [word: string, value: true | false | null][] = [
  ["true", true],
  ["false", false],
  ["null", null],
];
