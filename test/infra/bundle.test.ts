/** Bundles: each is run as Lambda runs it, in a folder that has no packages above it. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../../infra/bundle.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-bundles-"));
});

afterAll(() => rm(folder, { recursive: true }));

const build = (name: string) =>
  bundle({
    name,
    entry: fileURLToPath(new URL(`../fixtures/bundles/${name}.ts`, import.meta.url)),
    folder: join(folder, name),
  });

/** The handler's result, from a process of its own. */
async function invoke(name: string, event: object = {}): Promise<unknown> {
  const script = join(folder, name, "invoke.mjs");
  await writeFile(
    script,
    `import { handler } from "./main.mjs";
    console.log(JSON.stringify(await handler(JSON.parse(process.argv[2]))));`,
  );
  const { stdout } = await run(process.execPath, [script, JSON.stringify(event)]);
  return JSON.parse(stdout);
}

test("the SQL parser finds its WebAssembly beside the bundle", async () => {
  const built = await build("parse");
  expect(built.assetBytes).toBeGreaterThan(100_000);
  expect(await invoke("parse", { sql: "select 1; select 2" })).toBe(2);
});

test("the SQL parser, however long it parses, takes no more memory than the smallest function has", async () => {
  await build("parse");
  const script = join(folder, "parse", "memory.mjs");
  await writeFile(
    script,
    `import { handler } from "./main.mjs";
    const sql = "create table if not exists speakers (id int primary key, name text not null);".repeat(50);
    // Long enough for V8 to find that it would be worth to be compiled again.
    while (performance.now() < 2_000) await handler({ sql });
    console.log(process.resourceUsage().maxRSS);`,
  );
  const { stdout } = await run(process.execPath, [script]);
  expect(Number(stdout) * 1024).toBeLessThan(256 * 1024 * 1024);
});

test("pg_dump runs in its thread, its package shipped without maps and types", async () => {
  await build("dump");
  const { address } = newestServer();
  const database = await freshDatabase({ address }, "create table speakers (id int primary key)");
  expect(await invoke("dump", database)).toContain("CREATE TABLE public.speakers (");
  await dropDatabases(database);
  const shipped = await readdir(join(folder, "dump/node_modules/@electric-sql/pglite-tools"), {
    recursive: true,
  });
  expect(shipped).toContain("dist/pg_dump.wasm");
  expect(shipped.filter((file) => /\.(map|ts|cjs)$/.test(file))).toEqual([]);
});

test("the Postgres driver needs neither its native twin nor a folder of packages", async () => {
  const built = await build("query");
  expect(built.startPackages).toContain("pg");
  expect(await invoke("query")).toBe('"a""b"');
});

test("a client imported dynamically is read later, not at start", async () => {
  const built = await build("lazy-s3");
  expect(built.startPackages).not.toContain("@aws-sdk/client-s3");
  expect(built.startBytes).toBeLessThan(5_000);
  expect(built.lazyBytes).toBeGreaterThan(100_000);
  expect(await invoke("lazy-s3")).toBe("loaded");
});

test("a client imported statically is told", async () => {
  expect((await build("eager-s3")).startPackages).toContain("@aws-sdk/client-s3");
});

test("a handler that does not build names the file and the line", async () => {
  await expect(build("absent")).rejects.toThrow(/Could not resolve ".*absent\.ts"/);
});
