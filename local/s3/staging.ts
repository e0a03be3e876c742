/** Writes files whole or not at all: into a staging folder first, then under their name by one rename. */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";

/** The end of every file with a footer: four bytes of the footer's length stand before it. */
const MAGIC = Buffer.from("RHRSLS31");
const TAIL = 4 + MAGIC.length;

/** A finished file that nobody sees yet. */
export interface Staged {
  /** Puts it under its name, replacing what was there. */
  publish(path: string): Promise<void>;
  discard(): Promise<void>;
}

export class Staging {
  readonly #folder: string;
  readonly #durable: boolean;

  private constructor(folder: string, durable: boolean) {
    this.#folder = folder;
    this.#durable = durable;
  }

  /** Opens the folder and sweeps what an earlier process left half-written in it. */
  static async open(folder: string, durable: boolean): Promise<Staging> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
    return new Staging(folder, durable);
  }

  /**
   * A file of `body` and, behind it, a footer in JSON: one file, so that no crash can part an object from its description.
   * `fill` writes the body and returns the footer; when it throws nothing is left.
   */
  async file<F>(
    fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<F>,
  ): Promise<Staged & { footer: F }> {
    const path = join(this.#folder, randomUUID());
    const handle = await open(path, "wx", 0o600);
    try {
      const footer = await fill((bytes) => writeAll(handle, bytes));
      const json = Buffer.from(JSON.stringify(footer));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(json.length);
      await writeAll(handle, Buffer.concat([json, length, MAGIC]));
      if (this.#durable) await handle.sync();
      await handle.close();
      return { ...this.#staged(path), footer };
    } catch (error) {
      await handle.close().catch(() => undefined);
      await rm(path, { force: true });
      throw error;
    }
  }

  /** A folder with one file in it, to be published as one. */
  async folder<F>(name: string, footer: F): Promise<Staged> {
    const path = join(this.#folder, randomUUID());
    await mkdir(path, { mode: 0o700 });
    const file = await this.file(async () => footer);
    await file.publish(join(path, name));
    return this.#staged(path);
  }

  /** Takes a file or a folder out of sight at once; removing a full folder then takes the time it takes. */
  async remove(path: string): Promise<void> {
    const gone = join(this.#folder, randomUUID());
    await rename(path, gone);
    await this.#settle(dirname(path));
    await rm(gone, { recursive: true });
  }

  #staged(path: string): Staged {
    return {
      publish: async (to) => {
        await rename(path, to);
        await this.#settle(dirname(to));
      },
      discard: () => rm(path, { recursive: true, force: true }),
    };
  }

  /** A rename is lasting when the folder that holds the name is on the disk. */
  async #settle(folder: string): Promise<void> {
    if (!this.#durable) return;
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** The footer of a published file and the length of the body before it. Throws when the file was damaged. */
export async function readFooter<F>(path: string): Promise<{ footer: F; bodySize: number }> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const tail = await readAt(handle, Math.max(0, size - TAIL), TAIL);
    const length = tail.length === TAIL ? tail.readUInt32BE(0) : Number.NaN;
    if (!tail.subarray(4).equals(MAGIC) || length > size - TAIL)
      throw new Error(`"${path}" is damaged: it does not end as the endpoint ends its files`);
    const json = await readAt(handle, size - TAIL - length, length);
    return { footer: JSON.parse(json.toString("utf8")) as F, bodySize: size - TAIL - length };
  } finally {
    await handle.close();
  }
}

/** Opens the bytes `start` to `end`, both included, of a published file's body; what is open outlives a removal. */
export async function openBody(path: string, start: number, end: number): Promise<Readable> {
  const handle = await open(path, "r");
  if (end >= start) return handle.createReadStream({ start, end, highWaterMark: 256 * 1024 });
  await handle.close();
  return Readable.from([]);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
