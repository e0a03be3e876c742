/** The program as SST's command bundles it (pkg/project/run.go, pkg/js/js.go), so that the sources are evaluated as they are deployed. */
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";

/** Bundles `app()` of the configuration, and gives `use` the module whose default export it is; the file is gone afterwards. */
export async function bundleApp<T>(
  root: string,
  platform: string,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const outfile = join(platform, `rehearsal.app.${process.pid}.mjs`);
  await build(platform, {
    ...settings(platform, outfile),
    stdin: {
      contents: `import mod from "${root}/sst.config.ts"; export default mod.app;`,
      ...{ resolveDir: root, loader: "ts" },
    },
    banner: { js: `${COMMONJS} const $config = (x) => x;` },
  });
  try {
    return await use(outfile);
  } finally {
    await rm(outfile, { force: true });
  }
}

/** Bundles `run()` with the platform and its globals; the file's default export runs it. Whoever asked removes the file. */
export async function bundleRun(root: string, platform: string, app: object): Promise<string> {
  const work = join(root, ".sst");
  const outfile = join(platform, `rehearsal.run.${process.pid}.mjs`);
  const cli = {
    ...{ command: "deploy", dev: false, state: { version: {} } },
    paths: { home: join(root, ".rehearsal/sst-home"), root, work, platform },
  };
  const providers = JSON.parse(await readFile(join(work, "provider-lock.json"), "utf8")) as {
    alias: string;
    package: string;
  }[];
  const globals = [
    ...providers.map(({ alias, package: name }) => `import * as ${alias} from "${name}";`),
    `import * as sst from "${platform}/src/components";`,
  ].join("\n");
  await build(platform, {
    ...settings(platform, outfile),
    stdin: {
      contents: `import { run } from "${platform}/src/auto/run.ts"; import mod from "${root}/sst.config.ts"; export default () => run(mod.run);`,
      ...{ resolveDir: root, sourcefile: "eval.ts", loader: "ts" },
    },
    banner: { js: COMMONJS },
    define: { $app: JSON.stringify(app), $cli: JSON.stringify(cli), $dev: "false" },
    inject: [join(platform, "src/shim/run.js")],
    plugins: [
      {
        name: "globals",
        setup: (plugin) => {
          plugin.onLoad({ filter: /\.(?:js|mjs|ts|jsx|tsx)$/ }, async ({ path }) =>
            path.startsWith(work)
              ? undefined
              : { contents: `${globals}\n${await readFile(path, "utf8")}`, loader: "ts" },
          );
        },
      },
    ],
  });
  return outfile;
}

/** CommonJS inside an ES module asks for these. */
const COMMONJS = `import { createRequire as tcr } from "module"; const require = tcr(import.meta.url); import { fileURLToPath as tf, URL as tu } from "url"; const __filename = tf(import.meta.url), __dirname = tf(new tu(".", import.meta.url));`;

function settings(platform: string, outfile: string): BuildOptions {
  return {
    outfile,
    ...{ bundle: true, format: "esm", platform: "node", mainFields: ["module", "main"], logLevel: "error" },
    nodePaths: [join(platform, "node_modules")],
    external: [
      "@pulumi/*",
      "undici",
      "@pulumiverse/*",
      "@sst-provider/*",
      "@aws-sdk/*",
      "esbuild",
      "archiver",
      "glob",
      "vite",
    ],
  };
}

/** By the esbuild that the platform brings, as its command has it built in. */
async function build(platform: string, options: BuildOptions): Promise<void> {
  const esbuild = createRequire(join(platform, "package.json"))("esbuild") as typeof import("esbuild");
  await esbuild.build(options);
}
