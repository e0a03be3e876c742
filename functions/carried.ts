/**
 * What travels from a step through the state machine, into the log and to whoever is told is small: Step Functions ends
 * an execution for 256 KiB, and nothing catches that. Where it would not be, the whole is an artifact, and a pointer to
 * it travels.
 */
import { canonicalJson, isJsonObject, type Json } from "../core/canonical-json.ts";
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from "../core/errors.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { writeArtifact } from "./artifacts.ts";

/** Bytes of JSON that travel as they are: of eight steps, each with what it was told, there are less than 256 KiB. */
export const CARRIED = 16 * 1024;

/** Of what is cut: characters of a text, items of a list. The first that makes it small is taken. */
const CUTS = [
  { text: 1_000, items: 8 },
  { text: 300, items: 8 },
  { text: 60, items: 2 },
];
/** Members of a record. */
const MEMBERS = 24;

/** The outcome, or what is left of it when each long part is cut, with `whole`, where all of it is. */
export async function carriedOutcome(store: ObjectStore, prefix: string, outcome: Json): Promise<Json> {
  if (isSmall(outcome)) return outcome;
  const { key, sha256 } = await writeArtifact(store, `${prefix}outcome.json`, { outcome });
  const left = smallOf(outcome);
  const members = isJsonObject(left) ? left : { outcome: left };
  return { ...members, whole: { key, sha256 } };
}

/** An error that can be told: itself, or one of the same code whose facts are cut; all of it is then an artifact. */
export async function carriedError(store: ObjectStore, prefix: string, thrown: unknown): Promise<unknown> {
  const record = toErrorRecord(thrown);
  if (isSmall(record as unknown as Json)) return thrown;
  try {
    await writeArtifact(store, `${prefix}error.json`, record);
  } catch {
    // What went wrong is told, whether or not the bucket takes all of its words.
  }
  return (
    fromErrorRecord({ ...record, facts: smallOf(record.facts as Json) as ErrorRecord["facts"] }) ?? thrown
  );
}

function isSmall(value: Json): boolean {
  return Buffer.byteLength(canonicalJson(value)) <= CARRIED;
}

function smallOf(value: Json): Json {
  const attempts = CUTS.map((at) => cut(value, at));
  return attempts.find(isSmall) ?? attempts.at(-1) ?? null;
}

/** What the machine chooses by are numbers, truths and short words: those stay as they are. */
function cut(value: Json, at: (typeof CUTS)[number]): Json {
  if (typeof value === "string")
    // Half of a pair of surrogates is nothing that a database takes.
    return value.length <= at.text
      ? value
      : `${value.slice(0, at.text).toWellFormed()}… (${value.length} characters)`;
  if (Array.isArray(value)) return value.slice(0, at.items).map((item) => cut(item, at));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).slice(0, MEMBERS);
  return Object.fromEntries(members.map(([name, member]) => [name, cut(member as Json, at)]));
}
