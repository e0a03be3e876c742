/** The build of the tree as it stands, made once for however many tests and runs look at it. */
import { createHash, randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildAll } from "../../infra/build.ts";
import type { Bundle } from "../../infra/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");

const FOLDER = join(ROOT, ".rehearsal/built");

/** Milliseconds after which nobody looks at a build of other sources any more. */
const OLD = 60 * 60 * 1_000;

/** All that a bundle can be made of, and what makes it. */
const SOURCES = ["{core,functions,infra,io,web,workflows}/**/*.ts", "package.json", "package-lock.json"];

export interface Built {
  /** As `npm run build` leaves `dist/`; not to be written to. */
  folder: string;
  bundles: Bundle[];
}

/** What is there under the sum of all sources is taken as it is; nothing else is. */
export async function built(): Promise<Built> {
  const folder = join(FOLDER, await sumOfSources());
  const list = `${folder}.json`;
  const known = await readFile(list, "utf8").catch(() => undefined);
  if (known !== undefined) return { folder, bundles: JSON.parse(known) as Bundle[] };
  const making = `${folder}.${randomUUID()}`;
  const bundles = await buildAll(making);
  try {
    await rename(making, folder);
  } catch (error) {
    // Somebody else was first, with the same.
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    await rm(making, { recursive: true });
  }
  await writeFile(list, JSON.stringify(bundles));
  await removeOld();
  return { folder, bundles };
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(FOLDER)) {
    const path = join(FOLDER, name);
    // Another run may have been before us.
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > OLD) await rm(path, { recursive: true, force: true });
  }
}

async function sumOfSources(): Promise<string> {
  const sum = createHash("sha256");
  for (const path of globSync(SOURCES, { cwd: ROOT }).sort())
    sum.update(`${path}\0`).update(await readFile(join(ROOT, path)));
  return sum.digest("hex").slice(0, 16);
}
