/** A store's place in a folder of this machine: files that are exchanged by one rename, and a lock that dies with its process. */
import { mkdir, realpath } from "node:fs/promises";
import { sha256 } from "../../core/digest.ts";
import { FolderFiles, failing } from "./folder-files.ts";
import { FolderLock } from "./folder-lock.ts";
import type { Place, Placed } from "./place.ts";

/** Milliseconds that somebody waits for others to let go of the folder. */
const PATIENCE = 30_000;

/** Opens a folder, which is made where none is. */
export async function openFolderPlace(folder: string, { patience = PATIENCE } = {}): Promise<Place> {
  const top = await failing(folder, async () => {
    await mkdir(folder, { recursive: true });
    return realpath(folder);
  });
  const files = new FolderFiles(top);
  const lock = new FolderLock(top, patience);
  let swept = false;
  const place: Place = {
    where: top,
    appends: true,
    read: (path) => files.read(path),
    readIf: async (path, tag) => sameAs(tag, await files.read(path)),
    stream: (path) => files.stream(path),
    write: (path, bytes, expected) => place.exclusively((held) => held.write(path, bytes, expected)),
    writeStream: (path, source) => files.writeStream(path, source),
    append: async () => {
      throw new TypeError("appends are made inside exclusively");
    },
    remove: (path) => files.remove(path),
    list: (prefix) => files.list(prefix),
    exclusively: (work) =>
      lock.during(async () => {
        if (!swept) await files.sweep();
        swept = true;
        return work(heldPlace(place, files));
      }),
    close: () => lock.close(),
  };
  return place;
}

/** What writes while the lock is held. It remembers what it read, for nobody else changes it meanwhile. */
function heldPlace(place: Place, files: FolderFiles): Place {
  const tags = new Map<string, string | undefined>();
  const read = async (path: string) => {
    const found = await files.read(path);
    tags.set(path, found?.tag);
    return found;
  };
  const held: Place = {
    ...place,
    read,
    readIf: async (path, tag) => sameAs(tag, await read(path)),
    write: async (path, bytes, expected) => {
      if (!tags.has(path)) await read(path);
      if (tags.get(path) !== expected) return "conflict";
      await files.write(path, bytes);
      const tag = sha256(bytes);
      tags.set(path, tag);
      return tag;
    },
    writeStream: (path, source) => {
      tags.delete(path);
      return files.writeStream(path, source);
    },
    append: (path, bytes, at, size) => {
      tags.delete(path);
      return files.append(path, bytes, at, size);
    },
    remove: (path) => {
      tags.delete(path);
      return files.remove(path);
    },
    exclusively: (work) => work(held),
    // It is the place's.
    close: async () => {},
  };
  return held;
}

function sameAs(tag: string, found: Placed | undefined): Placed | "same" | undefined {
  return found?.tag === tag ? "same" : found;
}
