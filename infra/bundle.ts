/** One handler as the files a Lambda runs: minified, whole, with the WebAssembly its packages read at run time beside it. */
import { globSync } from "node:fs";
import { cp, mkdir, readFile, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { build, type Metafile } from "esbuild";

export interface BundleOptions {
  name: string;
  /** The handler's module. */
  entry: string;
  /** Emptied first; holds `main.mjs`, which exports `handler`. */
  folder: string;
  /** Puts what is imported dynamically into files of its own, read when first needed: for the API, which must start fast. */
  split?: boolean;
}

export interface Bundle {
  name: string;
  folder: string;
  /** Bytes read at a cold start: the entry and everything it imports statically. */
  startBytes: number;
  /** Bytes of code that is read only when first needed. */
  lazyBytes: number;
  /** Bytes of WebAssembly, and of packages shipped as they are. */
  assetBytes: number;
  /** Packages whose code is read at a cold start. */
  startPackages: string[];
}

/** CommonJS inside an ES module asks for these; libpg-query finds its WebAssembly by the third. */
const COMMONJS = `import { createRequire as $createRequire } from "node:module";
const require = $createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;`;

/**
 * Builds one bundle; throws esbuild's BuildFailure, which names file and line.
 *
 * Names of classes are minified: errors are matched by `name`, which is a literal in the catalogue and in the SDK.
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [{ in: resolve(options.entry), out: "main" }],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // ES modules first: of CommonJS nothing can be left out.
    mainFields: ["module", "main"],
    minify: true,
    legalComments: "none",
    splitting: options.split ?? false,
    chunkNames: "[name]-[hash]",
    banner: { js: COMMONJS },
    // The driver's native twin, asked for only when somebody reads pg.native.
    external: ["pg-native"],
    metafile: true,
    logLevel: "silent",
  });
  const start = loadedAtStart(metafile);
  const sizes = Object.entries(metafile.outputs).map(([path, output]) => ({ path, bytes: output.bytes }));
  return {
    name: options.name,
    folder,
    startBytes: sum(sizes.filter(({ path }) => start.has(path))),
    lazyBytes: sum(sizes.filter(({ path }) => !start.has(path))),
    assetBytes: await copyAssets(metafile, folder),
    startPackages: packagesOf(metafile, start),
  };
}

/** The entry's file and those it reaches by static imports. */
function loadedAtStart(metafile: Metafile): Set<string> {
  const reached = new Set<string>();
  const reach = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const imported of metafile.outputs[path]?.imports ?? [])
      if (imported.kind === "import-statement" && !imported.external) reach(imported.path);
  };
  // A dynamically imported module is an entry point to esbuild as well; ours is known by its name.
  for (const path of Object.keys(metafile.outputs)) if (basename(path) === "main.mjs") reach(path);
  return reached;
}

function packagesOf(metafile: Metafile, outputs: Set<string>): string[] {
  const packages = new Set<string>();
  for (const path of outputs)
    for (const [input, { bytesInOutput }] of Object.entries(metafile.outputs[path]?.inputs ?? {})) {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
      // Code of a package that was shaken out altogether is not read.
      if (name !== undefined && bytesInOutput > 0) packages.add(name);
    }
  return [...packages].sort();
}

/** What the bundle reads beside itself: a package's .wasm, and a package looked up by import.meta.resolve, whole. */
async function copyAssets(metafile: Metafile, folder: string): Promise<number> {
  const copied: { bytes: number }[] = [];
  const copy = async (from: string, to: string) => {
    await mkdir(dirname(to), { recursive: true });
    await cp(from, to);
    copied.push({ bytes: (await stat(to)).size });
  };
  const inputs = Object.keys(metafile.inputs);
  const parser = inputs.find((path) => path.endsWith("/libpg-query/wasm/libpg-query.js"));
  if (parser !== undefined)
    await copy(join(dirname(parser), "libpg-query.wasm"), join(folder, "libpg-query.wasm"));
  for (const name of await resolvedPackages(inputs)) {
    const home = packageFolder(name);
    // Without the maps, the types and the CommonJS twin.
    for (const file of globSync(["package.json", "dist/**/*.{js,wasm}"], { cwd: home }))
      await copy(join(home, file), join(folder, "node_modules", name, file));
  }
  return sum(copied);
}

/** Packages that our own modules look up at run time and read as files. */
async function resolvedPackages(inputs: string[]): Promise<Set<string>> {
  const names = new Set<string>();
  for (const input of inputs.filter((path) => path.endsWith(".ts") && !path.includes("node_modules/")))
    for (const [, name] of (await readFile(input, "utf8")).matchAll(
      /import\.meta\.resolve\("((?:@[^/"]+\/)?[^/"]+)/g,
    ))
      if (name !== undefined) names.add(name);
  return names;
}

function packageFolder(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  return entry.slice(0, entry.lastIndexOf(`node_modules/${name}`) + `node_modules/${name}`.length);
}

function sum(files: { bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
