/** `head.json`, the one file whose exchange is a commit: the store's number, its state, what changed last, and what each model holds. */
import * as z from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { digestOf } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { type ContentSum, NOTHING } from "../../core/store/digest.ts";
import type { Row } from "../../core/store/store.ts";
import type { StoreValue } from "../../core/store/values.ts";
import { HEAD, type Place } from "./place.ts";

/** `following`: a database counts, and what it does is applied here; `canonical`: applications write here; `closed`: nobody writes. */
export const STATES = ["following", "canonical", "closed"] as const;
export type State = (typeof STATES)[number];

/** A row put into a file or taken out of it, by the values of its key. */
export type FileChange = { model: string; put: Row } | { model: string; delete: readonly StoreValue[] };

/** By path; in a file the changes are in their order. */
export type Changes = ReadonlyMap<string, readonly FileChange[]>;

/** What a commit changes. The files may have it already, or not yet: whoever reads them puts it on top, whoever commits next writes it first. */
export type Last =
  | { id: string; files: readonly (readonly [string, readonly FileChange[]])[] }
  /** Of many changes: an object beside, with the SHA-256 of its bytes. */
  | { id: string; object: string; sha256: string };

/** A commit of late: which files it touched, `null` when they were too many to say. */
export interface Recent {
  seq: number;
  id: string;
  files: string[] | null;
}

/** What the move and dual writers remember in the head, by name. */
export type Notes = Readonly<Record<string, Json>>;

export interface Head {
  format: "rehearsal-store-head/1";
  /** How many commits there were. */
  seq: number;
  state: State;
  /** The digest of the definition. */
  definition: string;
  notes: Notes;
  models: Readonly<Record<string, ContentSum>>;
  last: Last | null;
  /** The newest first; the first one is the last commit. */
  recent: Recent[];
}

/** What a definition is recognised by: all that the files depend on. */
export function definitionDigest({ schema, models }: StoreDefinition): string {
  const kept = models.map(({ notCarried: _, ...model }) => model);
  return digestOf({ schema, models: kept } as unknown as Json);
}

/** The head of a new store; an export knows what its models hold, and writes this one last. */
export function newHead(
  definition: StoreDefinition,
  state: State,
  {
    seq = 0,
    notes = {},
    models = {},
  }: { seq?: number; notes?: Notes; models?: Readonly<Record<string, ContentSum>> } = {},
): Head {
  return {
    format: "rehearsal-store-head/1",
    seq,
    state,
    definition: definitionDigest(definition),
    notes,
    models: Object.fromEntries(definition.models.map(({ name }) => [name, models[name] ?? NOTHING])),
    last: null,
    recent: [],
  };
}

/** Of a place without a store it is undefined. Throws `StoreFileDamaged`. */
export async function readHead(place: Place): Promise<{ head: Head; tag: string } | undefined> {
  const found = await place.read(HEAD);
  return found && { head: parseHead(found.bytes), tag: found.tag };
}

/** Small enough to be read by people; the last line ends with a line feed. */
export function headBytes(head: Head): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n`);
}

export function parseHead(bytes: Uint8Array): Head {
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RehearsalError("StoreFileDamaged", { path: HEAD, reason: (error as Error).message });
  }
  const parsed = headSchema.safeParse(given);
  if (!parsed.success)
    throw new RehearsalError("StoreFileDamaged", { path: HEAD, reason: z.prettifyError(parsed.error) });
  return given as Head;
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const change = z.union([
  z.object({ model: z.string(), put: z.looseObject({}) }),
  z.object({ model: z.string(), delete: z.array(z.unknown()) }),
]);
/** Checks and takes nothing: a row may have a column that a schema would drop, `__proto__`. */
const headSchema = z.object({
  format: z.literal("rehearsal-store-head/1"),
  seq: z.int().min(0),
  state: z.enum(STATES),
  definition: hex,
  notes: z.looseObject({}),
  models: z.record(z.string(), z.object({ rows: z.int().min(0), sum: hex })),
  last: z
    .union([
      z.object({ id: z.string(), files: z.array(z.tuple([z.string(), z.array(change)])) }),
      z.object({ id: z.string(), object: z.string().startsWith("cache/changes/"), sha256: hex }),
    ])
    .nullable(),
  recent: z.array(z.object({ seq: z.int().min(1), id: z.string(), files: z.array(z.string()).nullable() })),
});
