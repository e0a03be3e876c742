/** A folder as a source: links are told and not followed, for what they lead to may be anybody's. */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import { orMissing } from "../../core/missing.ts";
import type { FileSource, SourceFile, SourceOddity } from "./source.ts";

/** Bytes read at once. */
const PIECE = 256 * 1024;

/** Opens a folder; throws `ImportSourceMissing` where none is. */
export async function openFolderSource(folder: string): Promise<FileSource> {
  const found = await lstat(folder).catch(orMissing);
  if (!found?.isDirectory()) throw new RehearsalError("ImportSourceMissing", { source: folder });
  const top = await realpath(folder);
  return {
    list: (after = "") => walk(top, "", after),
    read: (file) => readWhole(join(top, file.path), file),
    close: () => {},
  };
}

/** Names of one folder at a time are in memory. A folder's name counts with its slash, as in the keys of a bucket. */
async function* walk(top: string, under: string, after: string): AsyncGenerator<SourceFile | SourceOddity> {
  // Names are bytes: what is not UTF-8 is told, and not found under another name.
  const entries = await readdir(join(top, under), { withFileTypes: true, encoding: "buffer" }).catch(
    (error: Error) => {
      throw new RehearsalError("ImportSourceChanged", { path: under, reason: error.message });
    },
  );
  const named = entries.map((entry) => {
    const bytes = entry.isDirectory() ? Buffer.concat([entry.name, SLASH]) : entry.name;
    return { entry, bytes, path: under + bytes.toString("utf8") };
  });
  named.sort((one, other) => Buffer.compare(one.bytes, other.bytes));
  for (const { entry, bytes, path } of named) {
    const behind = after === "" || Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0;
    if (!Buffer.from(path.slice(under.length)).equals(bytes)) {
      if (behind) yield { path, odd: "its name is not UTF-8" };
    } else if (entry.isDirectory()) {
      if (behind || after.startsWith(path)) yield* walk(top, path, after);
    } else if (!behind) {
    } else if (entry.isSymbolicLink()) yield { path, odd: "it is a link, and links are not followed" };
    else if (!entry.isFile()) yield { path, odd: "it is neither a file nor a folder" };
    else yield { path, size: (await lstat(join(top, path))).size };
  }
}

const SLASH = Buffer.from("/");

async function* readWhole(path: string, { path: name, size }: SourceFile): AsyncGenerator<Uint8Array> {
  const changed = (reason: string) => new RehearsalError("ImportSourceChanged", { path: name, reason });
  let file: FileHandle;
  try {
    // A file that has become a link since it was listed is not followed either, and nobody is waited for at a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw changed((error as Error).message);
  }
  try {
    if (!(await isAt(file, path)))
      throw changed("it, or a folder above it, was exchanged since it was listed");
    let read = 0;
    // One byte more than was listed, to see whether it has grown.
    for (;;) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, size - read + 1));
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) break;
      read += bytesRead;
      if (read > size) throw changed("it has grown since it was listed");
      yield piece.subarray(0, bytesRead);
      // The byte behind its end was asked for with it.
      if (read === size && bytesRead < piece.length) break;
    }
    if (read < size) throw changed(`it has ${read} bytes, and had ${size} when it was listed`);
  } finally {
    await file.close();
  }
}

/** Whether what was opened is the file at that very path, with no folder above it a link that leads elsewhere. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const opened = await file.stat({ bigint: true });
  const real = await realpath(path).catch(() => undefined);
  const there = await lstat(path, { bigint: true }).catch(() => undefined);
  return opened.isFile() && real === path && there?.ino === opened.ino && there.dev === opened.dev;
}
