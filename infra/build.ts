/** `npm run build [-- folder]`: every function as the files its Lambda runs, with their maps, their sums and what they are made of. */
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { FUNCTION_NAMES, type FunctionName, MODULES } from "../workflows/modules.ts";
import { type Bundle, bundle } from "./bundle.ts";
import { billOfMaterials } from "./sbom.ts";

const ROOT = join(import.meta.dirname, "..");

/** What the long steps run in where a Lambda's quarter of an hour is too short. */
const CONTAINER = "functions/container/main.ts";

/**
 * Empties `folder` and writes into it `functions/<name>/main.mjs`, which exports `handler`, and what that reads;
 * `container/main.mjs`; `maps/<name>/`, a source map for each file, which is not deployed; `sbom.json`; and `SHA256SUMS`,
 * as `sha256sum --check` reads it. The same sources make the same bytes, in whatever folder. Of the functions, those in
 * `names`.
 */
export async function buildAll(
  folder: string,
  names: readonly FunctionName[] = FUNCTION_NAMES,
): Promise<Bundle[]> {
  await rm(folder, { recursive: true, force: true });
  const bundles: Bundle[] = [];
  const add = async (name: string, entry: string, place: string) =>
    bundles.push(
      await bundle({ name, entry, folder: join(folder, place), maps: join(folder, "maps", name) }),
    );
  for (const name of names) await add(name, `functions/${MODULES[name]}`, `functions/${name}`);
  await add("container", CONTAINER, "container");
  await writeFile(join(folder, "sbom.json"), await billOfMaterials(bundles));
  await writeFile(join(folder, "SHA256SUMS"), await sumsOf(folder));
  return bundles;
}

async function sumsOf(folder: string): Promise<string> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const lines = files.sort().map(async (file) => {
    const sum = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    return `${sum}  ${relative(folder, file)}\n`;
  });
  return (await Promise.all(lines)).join("");
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROOT, "dist"));
  const bundles = await buildAll(folder);
  const sum = createHash("sha256")
    .update(await readFile(join(folder, "SHA256SUMS")))
    .digest("hex");
  console.error(`${bundles.length} bundles in ${folder}, sha256 of their sums ${sum}`);
}
