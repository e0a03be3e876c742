/** One handler as the files a Lambda runs: minified, whole, with the WebAssembly its packages read at run time beside it. */
import { globSync } from "node:fs";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from "esbuild";

export interface BundleOptions {
  name: string;
  /** The handler's module. */
  entry: string;
  /** Emptied first; holds `main.mjs`, which exports `handler`. */
  folder: string;
  /** Emptied first; holds a source map for each file of code, under the file's name. None are made without. */
  maps?: string;
}

export interface Bundle {
  name: string;
  folder: string;
  /** Bytes read at a cold start: the entry and everything it imports statically. */
  startBytes: number;
  /** Bytes of code that is read only when first needed: dynamic imports, worker threads. */
  lazyBytes: number;
  /** Bytes of WebAssembly, and of packages shipped as they are. */
  assetBytes: number;
  /** Packages whose code is read at a cold start. */
  startPackages: string[];
  /** Where the packages lie whose code or files are in the bundle, as the lockfile names them: `node_modules/zod`. */
  packages: string[];
}

/** Paths are told relative to it, so that the same sources make the same bytes wherever they are checked out. */
const ROOT = join(import.meta.dirname, "..");

/** Where esbuild believes to write: names and hashes of files may not depend on where they go. */
const OUTPUT = "dist/bundle";

/**
 * Builds one bundle; throws esbuild's BuildFailure, which names file and line.
 *
 * @example
 * await bundle({ name: "admit", entry: "functions/steps/admit.ts", folder: "dist/functions/admit" });
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  const main = { in: resolve(ROOT, options.entry), out: "main" };
  // Only our own modules name workers, so the first look leaves the packages alone.
  const look = await build({ ...SETTINGS, entryPoints: [main], packages: "external", sourcemap: false });
  const workers = workersOf(await ownSources(look.metafile));
  const { metafile, outputFiles } = await build({ ...SETTINGS, entryPoints: [main, ...workers] });
  await writeOutputs(outputFiles, { folder, maps: options.maps });
  const start = loadedAtStart(metafile);
  const code = Object.entries(metafile.outputs)
    .filter(([path]) => path.endsWith(".mjs"))
    .map(([path, output]) => ({ path, bytes: output.bytes }));
  const assets = await copyAssets(metafile, await ownSources(metafile), folder);
  return {
    name: options.name,
    folder,
    startBytes: sum(code.filter(({ path }) => start.has(path))),
    lazyBytes: sum(code.filter(({ path }) => !start.has(path))),
    assetBytes: assets.bytes,
    startPackages: [...new Set([...packagesIn(metafile, start)].map(nameOf))].sort(),
    packages: [
      ...new Set([...packagesIn(metafile, Object.keys(metafile.outputs)), ...assets.packages]),
    ].sort(),
  };
}

/** CommonJS inside an ES module asks for these; libpg-query finds its WebAssembly by the third. */
const COMMONJS = `import { createRequire as $createRequire } from "node:module";
const require = $createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;`;

/**
 * WebAssembly is compiled once. V8 would compile the SQL parser again behind our back when it has run for a while, which
 * takes 600 MB for seconds: a function of 512 MB is killed for it.
 */
const ONE_TIER = `import { setFlagsFromString as $setFlag } from "node:v8";
$setFlag("--no-wasm-tier-up"), $setFlag("--no-wasm-dynamic-tiering");`;

/** Of the languages of zod's messages the one that it speaks unless told otherwise: nobody here tells it. */
const ENGLISH: Plugin = {
  name: "english",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    })),
};

/** A package that does nothing by being read, and does not say so: where nobody uses what it exports, it stays out. */
const UNUSED: Plugin = {
  name: "unused",
  setup: ({ onResolve, resolve }) =>
    onResolve({ filter: /^yaml$/ }, async ({ path, pluginData, ...asked }) => {
      if (pluginData === UNUSED) return undefined;
      const found = await resolve(path, { ...asked, pluginData: UNUSED });
      return { ...found, sideEffects: false };
    }),
};

const SETTINGS = {
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // ES modules first: of CommonJS nothing can be left out.
  mainFields: ["module", "main"],
  // Names of classes go too: errors are matched by `name`, which is a literal in the catalogue and in the SDK.
  minify: true,
  legalComments: "none",
  // What is imported dynamically becomes a file of its own, read when first needed.
  splitting: true,
  chunkNames: "[name]-[hash]",
  banner: { js: `${COMMONJS}\n${ONE_TIER}` },
  // The driver's native twin, asked for only when somebody reads pg.native.
  external: ["pg-native"],
  metafile: true,
  logLevel: "silent",
  absWorkingDir: ROOT,
  outdir: OUTPUT,
  write: false,
  sourcemap: "external",
  sourcesContent: false,
  // A folder of packages that is shared by a link is still the checkout's own, by name.
  preserveSymlinks: true,
  plugins: [ENGLISH, UNUSED],
} satisfies BuildOptions;

interface Source {
  path: string;
  text: string;
}

/** Our own modules in the bundle: they, and not the packages, are searched for what esbuild does not see. */
function ownSources(metafile: Metafile): Promise<Source[]> {
  const paths = Object.keys(metafile.inputs).filter((path) => /^(?!.*node_modules\/).*\.ts$/.test(path));
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })));
}

/** A thread's file is named `./<name>-worker` in a URL, and expected beside the bundle under the same name. */
function workersOf(sources: Source[]): { in: string; out: string }[] {
  const workers = new Map<string, string>();
  for (const { path, text } of sources)
    for (const [, name = ""] of text.matchAll(/["'`]\.\/([\w-]+-worker)\./g))
      workers.set(name, resolve(ROOT, dirname(path), `${name}.ts`));
  return [...workers].map(([out, file]) => ({ in: file, out }));
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

/** Writes code into the bundle and maps beside it, with the sources' paths as the tree has them. */
async function writeOutputs(
  files: OutputFile[],
  { folder, maps }: { folder: string; maps: string | undefined },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (maps !== undefined) {
    await rm(maps, { recursive: true, force: true });
    await mkdir(maps, { recursive: true });
  }
  for (const { path, contents, text } of files)
    if (!path.endsWith(".map")) await writeFile(join(folder, basename(path)), contents);
    else if (maps !== undefined) {
      const map = JSON.parse(text) as { sources: string[] };
      const sources = map.sources.map((source) => relative(ROOT, resolve(dirname(path), source)));
      await writeFile(join(maps, basename(path)), JSON.stringify({ ...map, sources }));
    }
}

/** Folders of the packages whose code is in these outputs. */
function packagesIn(metafile: Metafile, outputs: Iterable<string>): Set<string> {
  const packages = new Set<string>();
  for (const path of outputs)
    for (const [input, { bytesInOutput }] of Object.entries(metafile.outputs[path]?.inputs ?? {})) {
      const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
      // Code of a package that was shaken out altogether is not read.
      if (folder !== undefined && bytesInOutput > 0) packages.add(folder);
    }
  return packages;
}

const nameOf = (folder: string) => folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);

/** What the bundle reads beside itself: a package's .wasm, a package looked up by import.meta.resolve, whole, and of one whose fonts are, these alone. */
async function copyAssets(
  metafile: Metafile,
  own: Source[],
  folder: string,
): Promise<{ bytes: number; packages: string[] }> {
  const copied: { bytes: number }[] = [];
  const copy = async (from: string, to: string) => {
    await mkdir(dirname(to), { recursive: true });
    await cp(from, to);
    copied.push({ bytes: (await stat(to)).size });
  };
  const parser = Object.keys(metafile.inputs).find((path) =>
    path.endsWith("/libpg-query/wasm/libpg-query.js"),
  );
  if (parser !== undefined)
    await copy(join(ROOT, dirname(parser), "libpg-query.wasm"), join(folder, "libpg-query.wasm"));
  const resolved = resolvedPackages(own);
  for (const [name, fonts] of resolved) {
    const home = packageFolder(name);
    // Without the maps, the types and the CommonJS twin.
    const files = fonts.length > 0 ? [...fonts, "LICENSE*"] : ["dist/**/*.{js,wasm}"];
    for (const file of globSync(["package.json", ...files], { cwd: home }).sort())
      await copy(join(home, file), join(folder, "node_modules", name, file));
  }
  return { bytes: sum(copied), packages: [...resolved.keys()].map((name) => `node_modules/${name}`) };
}

/** Packages that our own modules look up at run time and read as files, with the fonts that are looked up in them. */
function resolvedPackages(sources: Source[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const resolves = /import\.meta\.resolve\(\s*"((?:@[^/"]+\/)?[^/"]+)(?:\/([^"]+\.ttf))?/g;
  for (const { text } of sources)
    for (const [, name = "", font] of text.matchAll(resolves))
      names.set(name, [...(names.get(name) ?? []), ...(font === undefined ? [] : [font])]);
  return names;
}

function packageFolder(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  return entry.slice(0, entry.lastIndexOf(`node_modules/${name}`) + `node_modules/${name}`.length);
}

function sum(files: { bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
