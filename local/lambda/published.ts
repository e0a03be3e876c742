/** The functions of a deployment, kept with every version that was ever published: an execution that is on an old one goes on with its code. */
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FunctionLimits } from "../../workflows/functions.ts";
import type { FunctionTable } from "./runner.ts";

export interface PublishedFunctions extends FunctionTable {
  /**
   * Makes the code in `folder`, which holds `main.mjs`, the function's latest and publishes it, unless its newest version
   * is that code under those limits; returns the version's number.
   */
  publish(name: string, folder: string, limits: FunctionLimits): Promise<string>;
}

interface Version extends FunctionLimits {
  sha256: string;
}

/** Goes on with what an earlier run published into the folder. */
export async function openPublished(folder: string): Promise<PublishedFunctions> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const list = join(folder, "versions.json");
  // A version's number is its place, from 1.
  const versions = new Map(Object.entries(await readList(list)));
  const place = (name: string, number: number) => join(folder, name, String(number));

  return {
    find: (name, version) => {
      const all = versions.get(name) ?? [];
      const number = version === "$LATEST" ? all.length : Number(version);
      const found = all[number - 1];
      if (found === undefined) return undefined;
      const { timeoutSeconds, memoryMb } = found;
      return { module: pathToFileURL(join(place(name, number), "main.mjs")), timeoutSeconds, memoryMb };
    },
    publish: async (name, code, { timeoutSeconds, memoryMb }) => {
      const all = versions.get(name) ?? [];
      const version = { sha256: await hashOf(code), timeoutSeconds, memoryMb };
      if (JSON.stringify(all.at(-1)) === JSON.stringify(version)) return String(all.length);
      const number = all.length + 1;
      // What a death amid the copying left is nobody's: the list names what is whole.
      await rm(place(name, number), { recursive: true, force: true });
      await cp(code, place(name, number), { recursive: true });
      versions.set(name, [...all, version]);
      await writeFile(`${list}.new`, JSON.stringify(Object.fromEntries(versions)), { mode: 0o600 });
      await rename(`${list}.new`, list);
      return String(number);
    },
  };
}

async function readList(path: string): Promise<Record<string, Version[]>> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Record<string, Version[]>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Of every file's name and bytes. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  for (const file of files.sort()) {
    const bytes = await readFile(file);
    hash.update(`${file.slice(folder.length)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}
