/** The ledger's copy in the bucket: what one of its objects says, and how the objects are chained. FORMATS.md pins the bytes. */
import * as z from "zod";
import { canonicalJson, type Json } from "./canonical-json.ts";

export const COPY_START = "0".repeat(64);

const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const headSchema = z.strictObject({
  format: z.literal("rehearsal-ledger/1"),
  /** Gap-free from 1. */
  number: z.int().min(1),
  /** The sha256 of the object before it, as its bytes are stored, or 64 zeros. */
  previous: hash,
  /** For people: when the writer believed it was, ISO 8601 UTC. */
  at: z.string(),
  /** With it the copy is what the ledger held at one instant; without, more of the same instant comes in later objects. */
  consistent: z.boolean(),
  /** Whoever reads from this object on has every row; null when the copy is not whole yet. */
  whole: z.int().min(1).nullable(),
  /** The newest event there was. */
  event: count,
  /** The newest of the control database's own migrations. */
  migration: count,
  /** What each sequence gave out last. */
  sequences: z.record(z.string(), z.string().regex(/^\d+$/)),
});

const lineSchema = z.strictObject({
  table: z.string(),
  /** The values of the primary key. */
  key: z.array(z.string()).min(1),
  /** Each column's value as the server writes it as text; left out when the row is gone. */
  row: z.record(z.string(), z.string().nullable()).optional(),
});

export type CopyHead = z.output<typeof headSchema>;
export type CopyLine = z.output<typeof lineSchema>;

/** The text of an object, before it is compressed: the head, then a line for each row; each canonical JSON and a line feed. */
export function copyText(head: CopyHead, lines: readonly CopyLine[]): string {
  return [head, ...lines].map((line) => `${canonicalJson(line as unknown as Json)}\n`).join("");
}

/** What the text of an object says; throws an Error that tells why when it is none. */
export function parseCopy(text: string): { head: CopyHead; lines: CopyLine[] } {
  const [first = "", ...rest] = text.split("\n");
  if (rest.pop() !== "") throw new Error("it ends amid a line");
  const head = parsed(headSchema, first, 1);
  return { head, lines: rest.map((line, at) => parsed(lineSchema, line, at + 2)) };
}

function parsed<T>(schema: z.ZodType<T>, line: string, number: number): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`line ${number} is no JSON`);
  }
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new Error(`line ${number}: ${issue?.path.join(".")} ${issue?.message}`);
}

/** Why an object cannot stand at that place of the chain; undefined when it can. */
export function brokenPlace(
  head: CopyHead,
  place: { number: number; previous: string | undefined },
): string | undefined {
  if (head.number !== place.number) return `it says of itself that it is object ${head.number}`;
  if (place.previous !== undefined && head.previous !== place.previous)
    return `it follows an object with the sha256 ${head.previous}, and the one before it has ${place.previous}`;
  if (head.whole !== null && head.whole > head.number) return "it says that the copy begins behind it";
  return undefined;
}
