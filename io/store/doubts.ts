/**
 * What dual writers are not sure of. Their rows are in the files before the database commits, so the head of the store names
 * the rows until the commit is certain; of what stands there after a death, or a commit that failed, the database tells.
 */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import type { StoreModel } from "../../core/store/definition.ts";
import { keyOf, keyRow, keyText } from "../../core/store/keys.ts";
import { modelNamed } from "../../core/store/relations.ts";
import type { Row } from "../../core/store/store.ts";
import type { StoreValue } from "../../core/store/values.ts";
import { PINNED } from "../postgres/reading.ts";
import type { Session } from "../postgres/session.ts";
import { currentRows } from "./current-rows.ts";
import type { Notes } from "./head.ts";
import type { Change, JsonStore } from "./json-store.ts";
import { CACHE } from "./place.ts";

/** In the head's notes, by its id: the keys, or the file that names them where they are many. */
export type Doubt = { keys: DoubtedKey[] } | { file: string };

/** A model with the values of a key. */
type DoubtedKey = z.infer<typeof doubtedKey>;

const doubtedKey = z.tuple([z.string(), z.array(z.custom<StoreValue>())]);
const doubts = z.record(
  z.string(),
  z.union([z.object({ keys: z.array(doubtedKey) }), z.object({ file: z.string() })]),
);

/** Under which they stand in the notes. */
const NOTE = "doubts";

/** Where the files are; their names begin with when they were made. */
const FILES = `${CACHE}doubts/`;

/** Milliseconds in which whoever made a file has named it in the head, or died. */
const LONGEST = 24 * 60 * 60 * 1_000;

/** So many stand in the head itself, which everybody reads. */
const MOST_IN_HEAD = 100;

/** Writers share it from before their files are written until the database has ended their transaction; whoever resolves has it alone. */
const LOCK = "pg_catalog.hashtextextended('rehearsal store doubts', 0)";

/** Keeps everybody from resolving until the session's transaction ends; without it nobody revises doubts. */
export async function shareDoubtLock(session: Session): Promise<void> {
  await session.execute(`select pg_catalog.pg_advisory_xact_lock_shared(${LOCK})`);
}

/** Makes a doubt of these rows, which is to go into the notes with them. */
export async function newDoubt(
  { place }: JsonStore,
  rows: readonly { model: StoreModel; key: Row }[],
): Promise<{ id: string; doubt: Doubt }> {
  const id = randomUUID();
  const keys = rows.map(({ model, key }): DoubtedKey => [model.name, [...keyOf(model, key)]]);
  if (keys.length <= MOST_IN_HEAD) return { id, doubt: { keys } };
  const file = `${FILES}${Date.now()}-${id}.json`;
  await place.write(file, Buffer.from(`${JSON.stringify(keys)}\n`), undefined);
  return { id, doubt: { file } };
}

/** The notes with a doubt more, and without those that are none any longer. */
export function revisedDoubts(
  notes: Notes,
  without: readonly string[],
  added?: { id: string; doubt: Doubt },
): Notes {
  const { [NOTE]: _, ...others } = notes;
  const left = Object.entries(doubtsIn(notes)).filter(([id]) => !without.includes(id));
  if (added !== undefined) left.push([added.id, added.doubt]);
  return left.length === 0 ? others : { ...others, [NOTE]: Object.fromEntries(left) };
}

/** Takes away the files of doubts that stand in no notes any more. */
export async function dropDoubtFiles({ place }: JsonStore, gone: readonly Doubt[]): Promise<void> {
  for (const doubt of gone) if ("file" in doubt) await place.remove(doubt.file);
}

function doubtsIn(notes: Notes): Readonly<Record<string, Doubt>> {
  return notes[NOTE] === undefined ? {} : doubts.parse(notes[NOTE]);
}

/**
 * Writes the rows that are in doubt as the database has them, and returns how many they were. Waits for the dual writers that
 * are about to commit, and keeps others waiting meanwhile. The session is in no transaction; the store is a follower's.
 */
export async function resolveDoubts(session: Session, store: JsonStore): Promise<number> {
  if (Object.keys(doubtsIn((await store.head()).notes)).length === 0) return 0;
  return session.transaction(async () => {
    await session.execute(`${PINNED}; select pg_catalog.pg_advisory_xact_lock(${LOCK})`);
    // Now nobody is between files and commit: whatever stands here has ended, one way or the other.
    const found = doubtsIn((await store.head()).notes);
    const ids = Object.keys(found);
    const changes: Change[] = [];
    for (const [model, keys] of await doubtedKeys(store, Object.values(found)))
      for await (const some of currentRows(session, model, keys)) changes.push(...some.changes);
    await store.apply(changes, (notes) => revisedDoubts(notes, ids));
    await dropDoubtFiles(store, Object.values(found));
    return changes.length;
  }, "begin isolation level read committed, read only");
}

/** Removes files that no head names, for somebody died over them; of this time's someone may still be about to name one. */
export async function sweepDoubtFiles(session: Session, store: JsonStore): Promise<void> {
  if ((await forgotten(store)).length === 0) return;
  await session.transaction(async () => {
    await session.execute(`${PINNED}; select pg_catalog.pg_advisory_xact_lock(${LOCK})`);
    for (const path of await forgotten(store)) await store.place.remove(path);
  }, "begin isolation level read committed, read only");
}

async function forgotten(store: JsonStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.place.list(FILES)) {
    const made = /^(\d+)-/.exec(path.slice(FILES.length))?.[1];
    if (made !== undefined && Date.now() - Number(made) > LONGEST) found.push(path);
  }
  if (found.length === 0) return found;
  const named = Object.values(doubtsIn((await store.head()).notes)).map((doubt) =>
    "file" in doubt ? doubt.file : "",
  );
  return found.filter((path) => !named.includes(path));
}

/** The keys by model, each once. */
async function doubtedKeys(
  { place, definition }: JsonStore,
  found: readonly Doubt[],
): Promise<Map<StoreModel, Row[]>> {
  const byModel = new Map<StoreModel, Map<string, Row>>();
  for (const doubt of found) {
    const listed = "keys" in doubt ? doubt.keys : await keysIn(place, doubt.file);
    for (const [name, values] of listed) {
      const model = modelNamed(definition, name);
      const key = keyRow(model, values);
      const known = byModel.get(model) ?? new Map<string, Row>();
      byModel.set(model, known.set(keyText(model, key), key));
    }
  }
  return new Map([...byModel].map(([model, keys]) => [model, [...keys.values()]]));
}

async function keysIn(place: JsonStore["place"], file: string): Promise<DoubtedKey[]> {
  const found = await place.read(file);
  if (found === undefined)
    throw new RehearsalError("StoreFileDamaged", {
      path: file,
      reason: "it is not there, and the head names it",
    });
  return z.array(doubtedKey).parse(JSON.parse(found.bytes.toString()));
}
