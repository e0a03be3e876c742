/** An append-only file of JSON lines: what is on it happened, and a line torn by a crash never did. */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";

export interface Journal<Entry> {
  /** Writes the line before it returns; throws when it could not, and then nothing of it counts. */
  append(entry: Entry): void;
  /** Lets go of the file until the next line. */
  rest(): void;
  /** Lets go of the file for good: appending throws from now on. */
  close(): void;
}

/** A journal at the path. With `fsync` a line is on the disk before `append` returns, so it survives a loss of power too. */
export function openJournal<Entry>(path: string, options: { fsync: boolean }): Journal<Entry> {
  let file: number | undefined;
  let closed = false;
  const rest = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    append: (entry) => {
      if (closed) throw new Error(`the journal ${path} is closed`);
      file ??= openSync(path, "a", 0o600);
      const { size } = fstatSync(file);
      try {
        writeWhole(file, Buffer.from(`${JSON.stringify(entry)}\n`));
        if (options.fsync) fdatasyncSync(file);
      } catch (error) {
        // Half a line (a full disk) must not become the beginning of the next one.
        ftruncateSync(file, size);
        throw error;
      }
    },
    rest,
    close: () => {
      closed = true;
      rest();
    },
  };
}

function writeWhole(file: number, bytes: Uint8Array) {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** Reads every whole line. A last line without its end was being written when the process died: it is cut off. */
export function readJournal<Entry>(path: string): Entry[] {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
  return bytes
    .subarray(0, end)
    .toString("utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);
}
