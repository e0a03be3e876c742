/** A copy of a SQLite database's files to read from: whoever it belongs to may go on, and nothing beside their file is touched. */
import { createWriteStream } from "node:fs";
import { copyFile, open, stat, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RehearsalError } from "../../core/errors.ts";
import { orMissing } from "../../core/missing.ts";
import type { OnProgress } from "../../core/progress.ts";
import type { ObjectStore } from "../object-store.ts";

/** What a database may be in: itself, what is committed and not yet in it, and what takes back what was not committed. */
const PARTS = ["", "-wal", "-journal"] as const;

type Part = (typeof PARTS)[number];

interface FoundPart {
  part: Part;
  bytes: number;
  /** Another one tells that it was written meanwhile. */
  mark: string;
}

/** Where a database's files are. */
export interface SqliteSource {
  /** For people. */
  name: string;
  /** Those that are there; the first is the database. Throws where it is not. */
  find(): Promise<FoundPart[]>;
  fetch(part: Part, to: string): Promise<void>;
}

/** A file on this machine. */
export function sqliteFile(path: string): SqliteSource {
  return {
    name: basename(path),
    find: async () => {
      const found: FoundPart[] = [];
      for (const part of PARTS) {
        const facts = await stat(path + part, { bigint: true })
          .catch(orMissing)
          .catch((error: Error) => {
            throw new RehearsalError("SqliteUnreadable", { file: path + part, reason: error.message });
          });
        if (facts === undefined && part === "")
          throw new RehearsalError("ImportSourceMissing", { source: path });
        if (facts === undefined) continue;
        if (!facts.isFile())
          throw new RehearsalError("SqliteUnreadable", { file: path, reason: "it is no file" });
        found.push({ part, bytes: Number(facts.size), mark: `${facts.ino} ${facts.size} ${facts.mtimeNs}` });
      }
      return found;
    },
    fetch: (part, to) => copyFile(path + part, to),
  };
}

/** An object of a bucket, with what lies beside it. */
export function sqliteObject(store: ObjectStore, key: string): SqliteSource {
  return {
    name: basename(key),
    find: async () => {
      const found: FoundPart[] = [];
      for await (const { key: there, size, etag } of store.list(key)) {
        const part = PARTS.find((one) => there === key + one);
        if (part !== undefined) found.push({ part, bytes: size, mark: etag });
      }
      if (found[0]?.part !== "") throw new RehearsalError("ImportSourceMissing", { source: key });
      return found;
    },
    fetch: async (part, to) => pipeline(store.getStream(key + part), createWriteStream(to)),
  };
}

/** Left free for what else the machine does. */
const ROOM_KEPT = 32 * 1024 * 1024;

const HEADER = Buffer.from("SQLite format 3\0");

/**
 * Copies the files into a folder; returns the copy's path, and the bytes of all. Throws `SqliteNoRoom` before anything is copied,
 * `SqliteChanging` when they were written meanwhile, `SqliteUnreadable` for what is no database.
 */
export async function copySqlite(
  source: SqliteSource,
  folder: string,
  onProgress: OnProgress,
): Promise<{ path: string; bytes: number }> {
  const before = await source.find();
  const bytes = before.reduce((sum, part) => sum + part.bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (bytes + ROOM_KEPT > bavail * bsize)
    throw new RehearsalError("SqliteNoRoom", { file: source.name, bytes, room: bavail * bsize });
  const path = join(folder, "database");
  const done = { bytes: 0, rows: 0 };
  for (const { part, bytes: size } of before) {
    onProgress({ done: { ...done }, total: { bytes, rows: 0 }, now: `${source.name}${part}` });
    await source.fetch(part, path + part);
    done.bytes += size;
  }
  const after = await source.find();
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw new RehearsalError("SqliteChanging", { file: source.name });
  await assertHeader(source.name, path);
  return { path, bytes };
}

async function assertHeader(name: string, path: string): Promise<void> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
    const refuse = (reason: string) => new RehearsalError("SqliteUnreadable", { file: name, reason });
    if (bytesRead === 0) throw refuse("it is empty");
    if (!buffer.subarray(0, 16).equals(HEADER))
      throw refuse("it does not begin as a SQLite database does, so it is none, or encrypted");
    if (bytesRead < 100) throw refuse("it ends within its first page");
  } finally {
    await file.close();
  }
}
