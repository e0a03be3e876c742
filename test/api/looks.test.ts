/** That who lets people in holds no database's credentials: by what the API's bundle is made of, and by what it asks for. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Graph {
  /** By file, what it imports, as paths of the tree. */
  imports: Map<string, string[]>;
}

/** What the entry reads, now or on first use; types alone are not in it, and no package's inside. */
async function graphOf(entry: string): Promise<Graph> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outdir: "out",
    splitting: true,
    logLevel: "silent",
  });
  return {
    imports: new Map(
      Object.entries(metafile.inputs).map(([file, { imports }]) => [file, imports.map(({ path }) => path)]),
    ),
  };
}

/** The files from which sessions on databases are opened: each names `openSession` and imports it. */
function openers({ imports }: Graph): string[] {
  return [...imports.keys()]
    .filter((file) => /\bopenSession\(/.test(readFileSync(`${ROOT}/${file}`, "utf8")))
    .filter((file) => file !== "io/postgres/session.ts")
    .sort();
}

test("no module that the API may come to read opens a session on a database, but on the ledger", async () => {
  const api = await graphOf("functions/api/main.ts");
  expect(openers(api)).toEqual(["io/ledger/connection.ts"]);
  for (const reaching of [
    "functions/plan.ts",
    "functions/drift.ts",
    "functions/holdings.ts",
    "functions/registration.ts",
    "functions/environment-checkup.ts",
    "functions/copies.ts",
    "functions/query-run.ts",
    "functions/look/looks.ts",
  ])
    expect([...api.imports.keys()]).not.toContain(reaching);
});
