/** `node infra/package.ts [folder]`: the sources as an installed package runs them. Node strips no types below node_modules, so each module becomes its own twin in package/, apart from what is deployed, type by type and path by path; what npm publishes is that. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { transform } from "esbuild";

const ROOT = join(import.meta.dirname, "..");

/** The rooms that run at a user's; those that only make and measure stay behind. */
const ROOMS = ["core", "io", "web", "functions", "workflows", "cli", "client", "store", "local"];

/** Of no use without the examples, and without docs/. */
const LEFT_OUT = /^(local\/demo(\/|\.ts$)|cli\/reference\.ts$)/;

/** Writes every module into `folder`, which is emptied first; returns their paths, relative to it. */
export async function packageSources(folder: string): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  const written = await Promise.all((await sources()).map((path) => compile(path, folder)));
  await cp(join(ROOT, "migrations"), join(folder, "migrations"), { recursive: true });
  return written.sort();
}

async function sources(): Promise<string[]> {
  const found = await Promise.all(
    ROOMS.map(async (room) => {
      const names = await readdir(join(ROOT, room), { recursive: true });
      return names.map((name) => `${room}/${name}`);
    }),
  );
  return found.flat().filter((path) => path.endsWith(".ts") && !LEFT_OUT.test(path));
}

async function compile(path: string, folder: string): Promise<string> {
  const text = await readFile(join(ROOT, path), "utf8");
  const { code } = await transform(text, {
    loader: "ts",
    format: "esm",
    target: "node22",
    sourcefile: path,
    // An import that only has effects is none to be dropped.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  const twin = path.replace(/\.ts$/, ".mjs");
  await mkdir(dirname(join(folder, twin)), { recursive: true });
  await writeFile(join(folder, twin), renamed(code));
  return twin;
}

/** Modules are named in imports, in `new URL(…)` and in tables of functions: always as a string that ends with the file's. */
function renamed(code: string): string {
  return code.replace(/([\w}-])\.ts(["'`])/g, "$1.mjs$2");
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROOT, "package"));
  const written = await packageSources(folder);
  console.error(`${written.length} modules in ${folder}`);
}
