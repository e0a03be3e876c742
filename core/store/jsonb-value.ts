/** jsonb as a plain JSON value, where nothing of it is lost so; as the server's text in a wrapper, where something would be. */
import type { Json } from "../canonical-json.ts";
import { jsonbText } from "../import/jsonb-text.ts";
import { compareTexts } from "./text-order.ts";

/** What stands for a jsonb that is no plain value: its numbers are none of JavaScript's, or it looks like this, or it is JSON's null. */
export interface WrappedJsonb {
  $jsonb: string;
}

/** Levels that everybody's reader takes. */
const DEEPEST = 500;

/** The value of the text that Postgres shows of a jsonb. */
export function readJsonb(text: string): Json {
  if (text === "null" || !isPlain(text)) return { $jsonb: text };
  const value = JSON.parse(text) as Json;
  return isWrapped(value) ? { $jsonb: text } : value;
}

/** The text that Postgres shows of it. */
export function writeJsonb(value: Json): string {
  if (isWrapped(value)) return value.$jsonb;
  return plainText(value, 0) ?? String(value);
}

/** What somebody gave as Postgres would keep it; a text tells why it would not. */
export function normalJsonb(given: unknown): { value: Json } | { problem: string } {
  const wrapped = isWrapped(given);
  const text = wrapped ? given.$jsonb : textOf(given);
  if (text === undefined) return { problem: "it is no JSON" };
  // What has no exponents, and nothing that only an escape can write, is as Postgres shows it but for its order.
  const plain = wrapped || UNUSUAL.test(text) ? undefined : plainText(given as Json, 0);
  if (plain !== undefined) return { value: readJsonb(plain) };
  const shown = jsonbText(text);
  return "problem" in shown ? { problem: `it is ${shown.problem}` } : { value: readJsonb(shown.text) };
}

const UNUSUAL = /[\d.]e[+-]?\d|\\u(?:0000|d[89a-f])/i;

/** Whether JavaScript writes each number of a text as Postgres has, and it is not too deep. */
function isPlain(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter === QUOTE) {
      at = endOfString(text, at);
    } else if (letter === MINUS || (letter >= ZERO && letter <= NINE)) {
      NUMBER.lastIndex = at;
      const [number = ""] = NUMBER.exec(text) ?? [];
      // So many digits are always exact, and a whole number of them has one spelling.
      if ((number.length > 15 || number.includes(".")) && String(Number(number)) !== number) return false;
      at += number.length - 1;
    } else if (letter === OBJECT || letter === LIST) {
      if (++depth > DEEPEST) return false;
    } else if (letter === OBJECT_END || letter === LIST_END) depth--;
  }
  return true;
}

/** The place of the quote that ends a text. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
}

const NUMBER = /[-\d.]+/y;
const [QUOTE, MINUS, ZERO, NINE, BACKSLASH] = [0x22, 0x2d, 0x30, 0x39, 0x5c];
const [OBJECT, OBJECT_END, LIST, LIST_END] = [0x7b, 0x7d, 0x5b, 0x5d];

function isWrapped(value: unknown): value is { $jsonb: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!Object.hasOwn(value, "$jsonb")) return false;
  return typeof (value as WrappedJsonb).$jsonb === "string" && Object.keys(value).length === 1;
}

/** JSON of a value that is nothing else; undefined for what JSON.stringify would leave out or change. */
function textOf(given: unknown): string | undefined {
  try {
    return isJson(given) ? JSON.stringify(given) : undefined;
  } catch (error) {
    // Deeper than the stack, or in a circle.
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return Array.from(value).every(isJson);
  const proto = Object.getPrototypeOf(value) as unknown;
  return (proto === Object.prototype || proto === null) && Object.values(value).every(isJson);
}

/** As Postgres shows a value whose numbers are JavaScript's; undefined when it is too deep. */
function plainText(value: Json, depth: number): string | undefined {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (depth === DEEPEST) return undefined;
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      const inside = plainText(item, depth + 1);
      if (inside === undefined) return undefined;
      text += text === "" ? inside : `, ${inside}`;
    }
    return `[${text}]`;
  }
  const object = value as { readonly [key: string]: Json };
  for (const key of inOrder(Object.keys(object))) {
    const inside = plainText(object[key] ?? null, depth + 1);
    if (inside === undefined) return undefined;
    text += `${text === "" ? "" : ", "}${JSON.stringify(key)}: ${inside}`;
  }
  return `{${text}}`;
}

/** By length in bytes, and then by bytes; what was read from Postgres is so already. */
function inOrder(keys: string[]): string[] {
  for (let at = 1; at < keys.length; at++)
    if (compareKeys(keys[at - 1] ?? "", keys[at] ?? "") > 0) return keys.sort(compareKeys);
  return keys;
}

function compareKeys(one: string, other: string): number {
  return lengthOf(one) - lengthOf(other) || compareTexts(one, other);
}

function lengthOf(key: string): number {
  for (let at = 0; at < key.length; at++) if (key.charCodeAt(at) > 0x7f) return Buffer.byteLength(key);
  return key.length;
}
