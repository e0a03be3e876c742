/** What npm would publish, in a folder of somebody's: `npx rehearsal` from nothing, without this tree. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseUrl } from "../../core/database-url.ts";
import { VERSION } from "../../core/version.ts";
import { dropDatabases, newestServer } from "../postgres.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

let folder: string;
const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  dependencies: Record<string, string>;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string }];
  const installed = join(folder, "node_modules", "rehearsal");
  await mkdir(installed, { recursive: true });
  await run("tar", ["xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
  // As an install would have them: those that it says it needs, and no others.
  for (const name of Object.keys(manifest.dependencies)) {
    const place = join(folder, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), place);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const command = () => join(folder, "node_modules", "rehearsal", "bin", "rehearsal.js");
const variables = { PATH: process.env.PATH, HOME: process.env.HOME };

async function rehearsal(...words: string[]): Promise<{ exit: number; out: string; err: string }> {
  const options = { cwd: folder, env: variables };
  return run(process.execPath, [command(), ...words], options).then(
    ({ stdout: out, stderr: err }) => ({ exit: 0, out, err }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      ...{ exit: code, out: stdout, err: stderr },
    }),
  );
}

test("an application opens its store by the package's name", async () => {
  const models = {
    ...{ format: "rehearsal-store-models/1", schema: "0".repeat(64) },
    models: [
      {
        ...{ name: "Word", schema: "public", table: "words", key: ["word"], file: "words.jsonl" },
        columns: [{ name: "word", type: "text", of: { kind: "text" }, nullable: false }],
        ...{ relations: [], unique: [], indexes: [], content: {}, notCarried: [] },
      },
    ],
  };
  const program = `import { openStore } from "rehearsal/store";
    const store = await openStore({ models: ${JSON.stringify(models)}, create: true });
    await store.put("Word", { word: "first" });
    console.log(JSON.stringify(await store.list("Word", {})));
    await store.close();`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: folder,
    env: { ...variables, DATA_BACKEND: "json", DATA_STORE: "data" },
  });
  expect(JSON.parse(stdout)).toEqual({ rows: [{ word: "first" }] });
});

test("says its version, which is the package's", async () => {
  expect(manifest.version).toBe(VERSION);
  expect(await rehearsal("--version")).toEqual({ exit: 0, out: `${VERSION}\n`, err: "" });
});

test("makes a project, a migration, and finds what is wrong with it", async () => {
  expect((await rehearsal("init", "--name", "library")).out).toContain('project "library"');
  const made = await rehearsal("new", "create books");
  expect(made.out).toBe("migrations/0001_create_books.sql\n");
  const linted = await rehearsal("lint");
  expect(linted.exit).not.toBe(0);
  expect(linted.err).toContain("code:  SqlEmpty");
});

test("without a Postgres tells how to have one, and with one runs the whole service", async () => {
  const none = await rehearsal("dev");
  expect(none.exit).toBe(2);
  expect(none.err).toContain("code:  PostgresMissing");
  expect(none.err).toContain("rehearsal dev --server");

  const { address } = newestServer();
  const child = spawn(process.execPath, [command(), "dev", "--server", databaseUrl(address)], {
    cwd: folder,
    env: variables,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let said = "";
    for await (const piece of child.stdout as AsyncIterable<Buffer>) {
      said += piece.toString();
      if (said.includes("rehearsal env add")) break;
    }
    expect(said).toMatch(/^REHEARSAL_DATABASE_URL=|export REHEARSAL_DATABASE_URL='postgresql:/m);
    const listed = await rehearsal("env", "list");
    expect([listed.exit, listed.out]).toEqual([
      0,
      'no environment is registered; "rehearsal env add" registers one\n',
    ]);
    expect((await rehearsal("doctor")).exit).toBe(0);
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
  expect(existsSync(join(folder, ".rehearsal", "connection.json"))).toBe(false);
  await dropDatabases({ ...address, database: "rehearsal_control" }, { ...address, database: "playground" });
});
