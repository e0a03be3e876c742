/** The files that a task has left, fetched onto this machine, each held against its hash. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RehearsalError } from "../core/errors.ts";
import { exportedFiles } from "./answers.ts";
import type { Context } from "./command.ts";
import { bytes } from "./text.ts";

/** How often a file is fetched when its stream breaks off. */
const TRIES = 3;

/** Files whose addresses are asked for at once: they are good for some minutes only. */
const PAGE = 50;

/** Throws `OutputExists`. */
export async function refuseTaken(path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unwritable(path, error);
  });
  if (there !== undefined) throw new RehearsalError("OutputExists", { path });
}

/** Fetches every file beside the path and gives it its name when all is there: half an archive is never found under it. Throws `OutputExists`, `ExportDamaged` and `NotFound`. */
export async function fetchFiles(
  context: Context,
  task: string,
  path: string,
  as: "file" | "folder",
): Promise<{ files: number; bytes: number }> {
  const partial = `${path}.${task}.partial`;
  const got = { files: 0, bytes: 0 };
  try {
    if (as === "folder")
      await mkdir(partial).catch((error: Error) => Promise.reject(unwritable(partial, error)));
    for (let cursor: string | null = ""; cursor !== null; ) {
      const client = await context.client();
      const query = new URLSearchParams({ ...(cursor !== "" && { cursor }), limit: String(PAGE) });
      const { files, count, next } = await client.get(`/tasks/${task}/files?${query}`, exportedFiles);
      for (const file of files) {
        refuseOdd(file.name);
        await fetchFile(context, file, as === "folder" ? join(partial, file.name) : partial, (size) =>
          context.terminal.live(
            `fetching  ${got.files + 1}/${count}  ${bytes(got.bytes + size)}  ${file.name}`,
          ),
        );
        got.files++;
        got.bytes += file.size;
      }
      cursor = next;
    }
    await refuseTaken(path);
    await rename(partial, path);
    return got;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** A name is a file's and nothing else, whoever answers. */
function refuseOdd(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name))
    throw new RehearsalError("ExportDamaged", { file: name, reason: "no archive has a file of that name" });
}

async function fetchFile(
  context: Context,
  { name, size, sha256, url }: { name: string; size: number; sha256: string; url: string },
  to: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const client = await context.client();
  for (let tries = 1; ; tries++) {
    const hash = createHash("sha256");
    let length = 0;
    async function* hashed() {
      for await (const piece of client.download(url)) {
        hash.update(piece);
        length += piece.length;
        onBytes(length);
        yield piece;
      }
    }
    try {
      await pipeline(hashed(), createWriteStream(to));
    } catch (error) {
      const broken = error instanceof RehearsalError && error.code === "ServiceUnreachable";
      if (broken && tries < TRIES) continue;
      throw broken ? error : unwritable(to, error as Error);
    }
    if (length === size && hash.digest("hex") === sha256) return;
    throw new RehearsalError("ExportDamaged", {
      file: name,
      reason: length === size ? "its sha256 differs" : `it has ${length} bytes instead of ${size}`,
    });
  }
}

function unwritable(path: string, { message }: Error): RehearsalError {
  return new RehearsalError("InputInvalid", { what: "--out", problems: `${path}: ${message}` });
}
