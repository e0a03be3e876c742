/** Files of contents that no row refers to any more: found by a look through all rows, and removed while nobody can begin to refer to one. */
import { RehearsalError } from "../../core/errors.ts";
import { contentsOf } from "../../core/store/content.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { isContentPath, mayHold } from "../../core/store/paths.ts";
import { settle } from "./commit.ts";
import type { Head } from "./head.ts";
import { readFiles } from "./move/file-rows.ts";
import { KeyNumbers, keyHash } from "./move/key-numbers.ts";
import type { Place } from "./place.ts";
import type { Known, StoreMemory } from "./store-memory.ts";

/** What was removed. */
export interface SweptContents {
  files: number;
  bytes: number;
}

interface ContentFound {
  path: string;
  size: number;
}

/** Files that are removed in one turn: others wait for the folder meanwhile. */
const AT_ONCE = 500;

/**
 * Removes what a row that is gone has left, and what a commit wrote that never came to be. Only in a folder, whose lock keeps commits out:
 * of a bucket's writers one may have found its content there and not yet exchanged the head, and the same bytes written again have the same
 * ETag, so no condition on removing it would notice. Throws `StorePlaceUnfit` there. Where more was committed meanwhile than the head tells
 * of, the rest is left for another time.
 */
export async function sweepContents(memory: StoreMemory, known: Known): Promise<SweptContents> {
  const { place, definition } = memory;
  if (!place.appends)
    throw new RehearsalError("StorePlaceUnfit", {
      place: place.where,
      reason: "contents are swept in a folder alone, for a bucket has no lock that keeps writers out",
    });
  await place.exclusively((held) => settle(memory, held, known));
  const referred = new KeyNumbers({ numbers: false });
  for await (const path of referencesOf(place, definition, place.list(""))) referred.add(keyHash(path));
  const unreferred: ContentFound[] = [];
  for await (const file of place.list(""))
    if (isContentPath(definition.models, file.path) && !referred.has(keyHash(file.path)))
      unreferred.push(file);
  const swept: SweptContents = { files: 0, bytes: 0 };
  for (let from = 0; from < unreferred.length; from += AT_ONCE) {
    const told = await place.exclusively(async (held) => {
      const now = await memory.newest();
      const touched = touchedSince(known.head, now.head);
      if (touched === undefined) return false;
      await settle(memory, held, now);
      // What has been committed since the look began is looked at again: with the lock held nothing comes after.
      const again = new Set<string>();
      for await (const path of referencesOf(held, definition, filesAt(held, touched))) again.add(path);
      for (const { path, size } of unreferred.slice(from, from + AT_ONCE)) {
        if (again.has(path)) continue;
        await held.remove(path);
        swept.files++;
        swept.bytes += size;
      }
      return true;
    });
    if (!told) break;
  }
  return swept;
}

/** The paths of contents that the rows of these files refer to. */
async function* referencesOf(
  place: Place,
  definition: StoreDefinition,
  files: AsyncIterable<ContentFound>,
): AsyncGenerator<string> {
  const ofRows = async function* () {
    for await (const file of files)
      if (/\.jsonl?$/.test(file.path) && definition.models.some((model) => mayHold(model, file.path)))
        yield file;
  };
  for await (const { rows } of readFiles(place, ofRows(), definition))
    for await (const some of rows)
      for (const { model, row } of some) for (const { path } of contentsOf(model, row)) yield path;
}

/** The files that commits behind `before` have touched; undefined when they are too many to tell, or it is another store by now. */
function touchedSince(before: Head, now: Head): Set<string> | undefined {
  const since = now.recent.filter(({ seq }) => seq > before.seq);
  const touched = new Set<string>();
  for (const { files } of since) {
    if (files === null) return undefined;
    for (const path of files) touched.add(path);
  }
  const sameStore = now.recent[since.length]?.id === before.recent[0]?.id;
  return sameStore && since.length === now.seq - before.seq ? touched : undefined;
}

async function* filesAt(held: Place, paths: ReadonlySet<string>): AsyncGenerator<ContentFound> {
  for (const path of paths) {
    const found = await held.read(path);
    if (found !== undefined) yield { path, size: found.bytes.length };
  }
}
