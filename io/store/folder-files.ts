/** The files of a folder: read and written by plain paths alone, each write a draft that becomes the file by one rename. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import { orMissing } from "../../core/missing.ts";
import { CACHE, type Placed } from "./place.ts";
import { storeMilestone } from "./store-milestone.ts";
import { checkPath, unsafe } from "./store-path.ts";

/** Files on their way, in the same file system, where no pattern leads. */
const DRAFTS = `${CACHE}drafts`;
/** Large ones, which are made beside the lock: what an export died over is listed, and the next one that claims the place removes it. */
const STREAMS = `${CACHE}streams`;
/** A database of SQLite that is empty: its lock is what it is for. */
export const LOCK = `${CACHE}lock.sqlite`;
const PIECE = 256 * 1024;

export class FolderFiles {
  readonly where: string;
  readonly #top: string;

  /** The folder's path, without a link in it. */
  constructor(top: string) {
    this.where = top;
    this.#top = top;
  }

  async read(path: string): Promise<Placed | undefined> {
    const pieces: Uint8Array[] = [];
    let found = false;
    await this.#opened(path, async (file) => {
      found = true;
      pieces.push(await file.readFile());
    });
    if (!found) return undefined;
    const bytes = Buffer.concat(pieces);
    return { bytes, tag: sha256(bytes) };
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const file = await this.#open(path, constants.O_RDONLY);
    if (file === undefined) return;
    try {
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE);
        const { bytesRead } = await file.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  /** Whatever was there. No lock is asked for: the source may take long, and write other files meanwhile. */
  writeStream(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#draft(STREAMS, path, async (file) => {
      // What the source throws is not the folder's failure.
      for await (const piece of source) await failing(this.where, () => file.writeFile(piece));
    });
  }

  /** Whatever was there. Called under the lock. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#draft(DRAFTS, path, (file) => failing(this.where, () => file.writeFile(bytes)));
  }

  /** As `Place` has it. Called under the lock. */
  async append(path: string, bytes: Uint8Array, at: number, size: number): Promise<"conflict" | undefined> {
    const file = await this.#open(path, constants.O_RDWR);
    if (file === undefined) return "conflict";
    return failing(this.where, async () => {
      try {
        if ((await file.stat()).size !== size) return "conflict";
        if (at < size) await file.truncate(at);
        storeMilestone(this.where, "cut");
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
          done += bytesWritten;
        }
        await file.datasync();
      } finally {
        await file.close();
      }
      return undefined;
    });
  }

  async remove(path: string): Promise<void> {
    const place = await this.#folderOf(path);
    if (place === undefined) return;
    await failing(this.where, async () => {
      await rm(join(this.#top, path), { force: true });
      await syncFolder(place);
    });
  }

  async *list(prefix: string): AsyncGenerator<{ path: string; size: number }> {
    const under = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    for await (const found of this.#walk(under)) if (found.path.startsWith(prefix)) yield found;
  }

  /** What others have died over; nobody but who holds the lock writes there. */
  async sweep(): Promise<void> {
    await rm(join(this.#top, DRAFTS), { recursive: true, force: true });
  }

  /** Writes beside and renames: whoever reads meanwhile sees the old file or the new one. Called under the lock, or for a file that nobody else writes. */
  async #draft(drafts: string, path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    checkPath(path);
    await failing(this.where, async () => {
      await mkdir(join(this.#top, drafts), { recursive: true });
      await makeFolder(this.#top, dirname(path));
    });
    const folder = await this.#folderOf(path);
    if (folder === undefined) throw unsafe(path, "its folder was taken away");
    const draft = join(this.#top, drafts, randomBytes(8).toString("hex"));
    try {
      const file = await failing(this.where, () => open(draft, "wx", 0o600));
      try {
        await fill(file);
        // On the disk before it has the name, or a loss of power could leave an empty file under it.
        await failing(this.where, () => file.sync());
      } finally {
        await file.close();
      }
      storeMilestone(this.where, "drafted");
      await failing(this.where, async () => {
        await rename(draft, join(this.#top, path));
        await syncFolder(folder);
      });
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async #opened(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
    const file = await this.#open(path, constants.O_RDONLY);
    if (file === undefined) return;
    try {
      await failing(this.where, () => work(file));
    } finally {
      await file.close();
    }
  }

  /** Undefined where nothing is. A link is not followed, and nobody is waited for at a pipe. */
  async #open(path: string, flags: number): Promise<FileHandle | undefined> {
    if ((await this.#folderOf(path)) === undefined) return undefined;
    const file = await failing(this.where, async () => {
      try {
        return await open(join(this.#top, path), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      } catch (error) {
        if (isCode(error, "ENOENT")) return undefined;
        if (isCode(error, "ELOOP", "EISDIR", "ENXIO")) throw unsafe(path, "it is a link, or no file");
        throw error;
      }
    });
    if (file !== undefined && !(await file.stat()).isFile()) {
      await file.close();
      throw unsafe(path, "it is no file");
    }
    return file;
  }

  /** The folder that a path is in; undefined where none is. No folder above it may be a link that leads elsewhere. */
  async #folderOf(path: string): Promise<string | undefined> {
    checkPath(path);
    const folder = join(this.#top, dirname(path));
    return failing(this.where, async () => {
      try {
        if ((await realpath(folder)) !== folder) throw unsafe(path, "a folder above it is a link");
      } catch (error) {
        if (isCode(error, "ENOENT")) return undefined;
        if (isCode(error, "ENOTDIR")) throw unsafe(path, "what should be a folder above it is none");
        throw error;
      }
      return folder;
    });
  }

  async *#walk(under: string): AsyncGenerator<{ path: string; size: number }> {
    const entries = await failing(this.where, async () => {
      try {
        return await readdir(join(this.#top, under), { withFileTypes: true });
      } catch (error) {
        if (isCode(error, "ENOENT", "ENOTDIR")) return [];
        throw error;
      }
    });
    const named = entries.map((entry) => ({
      entry,
      path: under + entry.name + (entry.isDirectory() ? "/" : ""),
    }));
    named.sort((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
    for (const { entry, path } of named) {
      if (path === `${DRAFTS}/` || path.startsWith(LOCK)) continue;
      if (entry.isDirectory()) yield* this.#walk(path);
      else {
        const found = await failing(this.where, () => lstat(join(this.#top, path)).catch(orMissing));
        if (found !== undefined) yield { path, size: found.size };
      }
    }
  }
}

/** Makes a folder below the top, each one on the disk before the next. */
export async function makeFolder(top: string, folder: string): Promise<void> {
  const made = await mkdir(join(top, folder), { recursive: true });
  if (made === undefined) return;
  for (let at = join(top, folder); at.length > top.length; ) {
    at = dirname(at);
    await syncFolder(at);
    if (at === dirname(made)) return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the system refuses, such as a full disk, in the catalogue's words. */
export async function failing<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RehearsalError || !isCode(error)) throw error;
    throw new RehearsalError(
      "StorePlaceFailed",
      { place, reason: (error as Error).message },
      { cause: error },
    );
  }
}

/** Whether it is an error of the system, of one of these kinds where any are given. */
function isCode(error: unknown, ...codes: string[]): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined && (codes.length === 0 || codes.includes(code ?? ""));
}
