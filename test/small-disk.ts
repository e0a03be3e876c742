/** A server on a small disk, for tests that fill it. Needs root, as CI is; without it the start fails and says so. */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DatabaseAddress } from "../core/database-url.ts";
import type { Major } from "../local/postgres.ts";

export interface SmallDisk {
  address: DatabaseAddress;
  /** Makes the disk larger or smaller until so many bytes are free on it, whatever is used. */
  leave(bytes: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startOnSmallDisk(options: {
  /** Made, and removed at the end. */
  folder: string;
  major: Major;
  megabytes: number;
}): Promise<SmallDisk> {
  const child = spawn(
    "unshare",
    [
      ...["--mount", "--propagation", "private", process.execPath],
      fileURLToPath(new URL("small-disk-server.ts", import.meta.url)),
      JSON.stringify(options),
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`the server on a small disk ended with ${code}: a mount needs root`)),
    );
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => String((await Promise.race([lines.next(), ended])).value);
  return {
    address: JSON.parse(await answer()) as DatabaseAddress,
    leave: async (bytes) => {
      child.stdin.write(`${bytes}\n`);
      const free = Number(await answer());
      if (Math.abs(free - bytes) > 65_536) throw new Error(`${free} bytes are free, not ${bytes}`);
    },
    stop: async () => {
      child.stdin.end();
      await ended.catch(() => undefined);
      await rm(options.folder, { recursive: true, force: true });
    },
  };
}
