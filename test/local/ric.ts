/** The outside oracle for our Lambda: AWS's own runtime client, whose published code is what runs functions on nodejs24.x. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Its entry; undefined where it is not installed: its cases are then not registered. `REHEARSAL_RIC` names one elsewhere. */
export const ric: string | undefined = found();

function found(): string | undefined {
  const { REHEARSAL_RIC: named } = process.env;
  if (named !== undefined) return named;
  try {
    return createRequire(import.meta.url).resolve("aws-lambda-ric");
  } catch {
    // It is not installed.
    return undefined;
  }
}

/** Stands in for its native part, which only speaks HTTP, and which it compiles when it is installed. */
export const RIC_PRELOAD = new URL("./rapid-client.ts", import.meta.url);

/** The handlers of `test/fixtures` as JavaScript, for Lambda runs no types: their folder, and how to remove it. */
export async function builtHandlers(
  ...names: string[]
): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-handlers-"));
  const paths = names.map((name) =>
    fileURLToPath(new URL(`../fixtures/handlers/${name}.ts`, import.meta.url)),
  );
  await build({
    entryPoints: paths.filter((path) => existsSync(path)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
  });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
